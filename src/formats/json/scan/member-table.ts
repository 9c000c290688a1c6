import { giveUp, type Source } from './source.ts'
import { bytesBefore, specialIn } from './words.ts'

/** Keys that are no column are remembered up to this many; then all of them are forgotten and learned again. */
const maxUnknown = 2048
/** Bytes of a key that is remembered. */
const longestUnknown = 4096
/** Members that are compared with a key: more of them have one hash only where somebody made them so. */
const maxProbes = 256
const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** A place that values are rescued from. */
export interface RescuedPath {
  /** Its path from the record or the list element it is in, escaped for JSON. */
  readonly path: Uint8Array
  /** Its path from the record, `[*]` for list indexes. */
  readonly pattern: string
  /** How many values were rescued. */
  count: number
}

/** A key that is no column of its level. */
export interface UnknownMember extends RescuedPath {
  /** The visit of the level in which it was met last. */
  visit: number
}

/**
 * The members of one level of a document by their keys' bytes: those that have a place, and those met that have none. Open addressing
 * over a hash of the key's 32-bit words.
 */
export class MemberTable {
  readonly #known: readonly Uint8Array[]
  readonly #levelPath: string
  readonly #levelPattern: string
  #keys: Uint8Array[] = []
  #slots = new Int32Array(64)
  unknown: UnknownMember[] = []
  /** Each time the level is entered is a visit of its own. */
  visit = 0
  /** Where the value begins, after a `find`. */
  valueAt = 0
  readonly #onForget: (members: readonly UnknownMember[]) => void

  /** `levelPath`: what leads to the level from the record or the element it is in; `levelPattern`: from the record, with `[*]` for indexes. */
  constructor(keys: readonly string[], levelPath: string, levelPattern: string, onForget: (members: readonly UnknownMember[]) => void) {
    // Bytes between two quotes hold no quote: this one is never found.
    this.#known = keys.map((key) => encoder.encode(isPlainKey(key) ? key : '"'))
    this.#levelPath = levelPath
    this.#levelPattern = levelPattern
    this.#onForget = onForget
    this.#reset()
  }

  /** Hands over what was counted of unknown members, and begins to count anew; between two records only. */
  forget(): void {
    this.#onForget(this.unknown)
    this.#reset()
  }

  get isFull(): boolean {
    return this.unknown.length > maxUnknown
  }

  /** The position after `"key":` of the member at this place, if it stands at `p`; negative where it does not. */
  match({ bytes }: Source, member: number, p: number): number {
    const key = this.#keys[member]
    const end = p + 1 + key.length
    if (bytes[p] !== 0x22 || bytes[end] !== 0x22 || bytes[end + 1] !== 0x3a) return giveUp
    return isSame(key, bytes, p + 1, key.length) ? end + 2 : giveUp
  }

  /**
   * The place of the member whose key's opening quote stands at `p`: from 0 as the keys were given, behind them the unknown ones.
   * `valueAt` is then where its value begins. Gives up where the key holds an escape, is unknown and very long, or where too many keys
   * have its hash.
   */
  find(source: Source, p: number): number {
    const { bytes, view, end } = source
    if (bytes[p] !== 0x22) return giveUp
    const start = ++p
    let hash = 0
    let high = 0
    for (;;) {
      if (p >= end) return giveUp
      const word = view.getInt32(p, true)
      high |= word
      const special = specialIn(word)
      if (special === 0) {
        hash = Math.imul(hash ^ word, 0x9e3779b1)
        p += 4
        continue
      }
      const plain = bytesBefore(special)
      if (plain > 0) hash = Math.imul(hash ^ (word & (0xffffffff >>> (32 - 8 * plain))), 0x9e3779b1)
      p += plain
      break
    }
    if (bytes[p] !== 0x22) return giveUp
    source.high |= high
    const length = p - start
    p++
    if (bytes[p] !== 0x3a) {
      p = source.space(p)
      if (bytes[p] !== 0x3a) return giveUp
    }
    this.valueAt = source.space(p + 1)
    hash ^= length
    const mask = this.#slots.length - 1
    let slot = (hash ^ (hash >>> 15)) & mask
    for (let probes = 0; probes < maxProbes; probes++) {
      const member = this.#slots[slot] - 1
      if (member < 0) return length > longestUnknown ? giveUp : this.#add(bytes.slice(start, start + length), slot)
      if (isSame(this.#keys[member], bytes, start, length)) return member
      slot = (slot + 1) & mask
    }
    return giveUp
  }

  #add(key: Uint8Array, slot: number): number {
    const step = `['${decoder.decode(key).replaceAll("'", "\\'")}']`
    const path = encoder.encode(JSON.stringify(this.#levelPath + step).slice(1, -1))
    this.unknown.push({ path, pattern: this.#levelPattern + step, count: 0, visit: 0 })
    this.#keys.push(key)
    this.#slots[slot] = this.#keys.length
    if (this.#keys.length * 2 > this.#slots.length) this.#rehash(this.#slots.length * 2)
    return this.#keys.length - 1
  }

  #reset(): void {
    this.#keys = [...this.#known]
    this.unknown = []
    let size = 64
    while (size < this.#keys.length * 4) size *= 2
    this.#rehash(size)
  }

  #rehash(size: number): void {
    this.#slots = new Int32Array(size)
    for (const [member, key] of this.#keys.entries()) {
      let slot = hashOf(key) & (size - 1)
      while (this.#slots[slot] !== 0) slot = (slot + 1) & (size - 1)
      this.#slots[slot] = member + 1
    }
  }
}

/** Whether documents may write a key as it is: no quote, backslash, control character or lone surrogate. */
export function isPlainKey(key: string): boolean {
  // oxlint-disable-next-line no-control-regex
  return key.isWellFormed() && !/["\\\u0000-\u001f]/.test(key)
}

/** The hash that `find` makes of the same bytes. */
function hashOf(key: Uint8Array): number {
  let hash = 0
  for (let i = 0; i < key.length; i += 4) {
    let word = 0
    for (let k = 0; k < 4 && i + k < key.length; k++) word |= key[i + k] << (8 * k)
    hash = Math.imul(hash ^ word, 0x9e3779b1)
  }
  hash ^= key.length
  return hash ^ (hash >>> 15)
}

function isSame(key: Uint8Array, bytes: Uint8Array, start: number, length: number): boolean {
  if (key.length !== length) return false
  for (let i = 0; i < length; i++) if (key[i] !== bytes[start + i]) return false
  return true
}
