import { readFileSync, statSync } from 'node:fs'
import { inspect, isDeepStrictEqual } from 'node:util'
import type { Problem } from '../model/failure.ts'
import { documentError } from './problems.ts'

/** A file with a secret in it is no longer than this, bytes. */
const longestSecret = 65_536

/** Values that are remembered of a secret that rotates: what an old answer or message repeats is still hidden. */
const rememberedValues = 8

/**
 * A value that must not be seen. It shows itself as `***` in text, JSON and `inspect`; only `reveal` gives it away, and its caller
 * passes it on to the one who asks for it and nowhere else.
 */
export class Secret {
  readonly #source: string | { readonly file: string }
  #place: Pick<Problem, 'file' | 'document' | 'path'> = { path: '' }
  /** The values that were given away, the newest last. */
  #revealed: readonly string[] = []

  constructor(source: string | { readonly file: string }) {
    this.#source = source
  }

  /** Remembers where in which document this secret stands, for the errors of `reveal`. */
  locate(place: Pick<Problem, 'file' | 'document' | 'path'>): void {
    this.#place = place
  }

  /**
   * The value. A file is read each time, so that one which was changed counts at once; line ends at its end do not belong to the
   * value. A file that can not be read now, because it is just being replaced, stands for its last value. Where there was none, throws
   * a DocumentError that names document path and file: it can't be read, is empty or is no text.
   */
  reveal(): string {
    const value = typeof this.#source === 'string' ? this.#source : this.#readOrLast(this.#source.file)
    if (value !== this.#revealed.at(-1)) this.#revealed = [...this.#revealed, value].slice(-rememberedValues)
    return value
  }

  /** What must not be seen: the values that were revealed, also those from before a rotation. Reads nothing. */
  get known(): readonly string[] {
    return typeof this.#source === 'string' ? [this.#source] : this.#revealed
  }

  /** Whether both are written the same: the same text, or the same file whatever it holds. */
  isWrittenAs(other: Secret): boolean {
    return isDeepStrictEqual(this.#source, other.#source)
  }

  #readOrLast(file: string): string {
    try {
      return this.#read(file)
    } catch (error) {
      const last = this.#revealed.at(-1)
      if (last === undefined) throw error
      return last
    }
  }

  #read(file: string): string {
    let text: string
    try {
      const { size } = statSync(file)
      if (size > longestSecret) throw this.#unreadable(file, `has ${size} bytes, and a secret has at most ${longestSecret}`)
      text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file)).replace(/[\r\n]+$/, '')
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code
      if (code === undefined) throw error
      if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') throw this.#unreadable(file, 'is not UTF-8 text')
      throw this.#unreadable(file, code === 'ENOENT' ? 'does not exist' : `can not be read (${code})`)
    }
    if (text === '') throw this.#unreadable(file, 'is empty')
    return text
  }

  #unreadable(file: string, reason: string): Error {
    return documentError([{ ...this.#place, message: `expected a file with the secret, but ${file} ${reason}` }])
  }

  toString(): string {
    return '***'
  }

  toJSON(): string {
    return '***'
  }

  [inspect.custom](): string {
    return '***'
  }
}

/** Every secret in a document, with the path that leads to it. */
export function secretsIn(value: unknown, path: (string | number)[] = []): { path: (string | number)[]; secret: Secret }[] {
  if (value instanceof Secret) return [{ path, secret: value }]
  if (Array.isArray(value)) return value.flatMap((item, index) => secretsIn(item, [...path, index]))
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, item]) => secretsIn(item, [...path, key]))
}
