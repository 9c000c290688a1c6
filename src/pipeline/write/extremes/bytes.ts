import type { BytesVector, FixedBytesVector } from '../../../formats/arrow/vector.ts'
import { dataViewOf } from '../../../formats/bytes/data-view.ts'
import { compareBytes } from '../../../formats/iceberg/bounds.ts'
import type { Bounds, Extremes } from './extremes.ts'

/** string and binary, in the order of their unsigned bytes. */
export class BytesExtremes implements Extremes {
  readonly nanCount = null
  #bounds: Bounds | undefined

  add({ length, offsets, data }: BytesVector, present: Uint8Array | null): void {
    this.#bounds = wider(this.#bounds, extremesOf(data, offsets, length, present))
  }

  bounds(): Bounds | undefined {
    return this.#bounds
  }
}

/** fixed, in the order of its unsigned bytes. */
export class FixedBytesExtremes implements Extremes {
  readonly nanCount = null
  #bounds: Bounds | undefined

  add({ length, width, data }: FixedBytesVector, present: Uint8Array | null): void {
    const offsets = new Int32Array(length + 1)
    for (let i = 1; i <= length; i++) offsets[i] = i * width
    this.#bounds = wider(this.#bounds, extremesOf(data, offsets, length, present))
  }

  bounds(): Bounds | undefined {
    return this.#bounds
  }
}

function wider(known: Bounds | undefined, found: Bounds | undefined): Bounds | undefined {
  if (known === undefined || found === undefined) return known ?? found
  return {
    lower: compareBytes(found.lower, known.lower) < 0 ? found.lower : known.lower,
    upper: compareBytes(found.upper, known.upper) > 0 ? found.upper : known.upper,
  }
}

/** Copies of the smallest and the largest. The first four bytes decide nearly always, and are compared as one number before all else. */
function extremesOf(data: Uint8Array, offsets: Int32Array, length: number, present: Uint8Array | null): Bounds | undefined {
  const view = dataViewOf(data)
  let low = -1
  let lowPrefix = 0
  let high = -1
  let highPrefix = 0
  for (let i = 0; i < length; i++) {
    if (present !== null && (present[i >> 3] & (1 << (i & 7))) === 0) continue
    const start = offsets[i]
    const prefix = offsets[i + 1] - start >= 4 ? view.getUint32(start) : shortPrefix(data, start, offsets[i + 1])
    if (low < 0) {
      low = high = i
      lowPrefix = highPrefix = prefix
    } else if (prefix <= lowPrefix) {
      const order = prefix < lowPrefix ? -1 : compareSlots(view, offsets, i, low)
      if (order < 0) {
        low = i
        lowPrefix = prefix
      } else if (order > 0 && prefix === highPrefix && compareSlots(view, offsets, i, high) > 0) high = i
    } else if (prefix > highPrefix || (prefix === highPrefix && compareSlots(view, offsets, i, high) > 0)) {
      high = i
      highPrefix = prefix
    }
  }
  if (low < 0) return undefined
  return { lower: data.slice(offsets[low], offsets[low + 1]), upper: data.slice(offsets[high], offsets[high + 1]) }
}

/** Fewer than four bytes, as the beginning of four with zeros after them: of equal prefixes the bytes themselves decide. */
function shortPrefix(data: Uint8Array, start: number, end: number): number {
  let prefix = 0
  for (let i = start; i < start + 4; i++) prefix = (prefix << 8) | (i < end ? data[i] : 0)
  return prefix >>> 0
}

function compareSlots(view: DataView, offsets: Int32Array, i: number, j: number): number {
  const a = offsets[i]
  const b = offsets[j]
  const aLength = offsets[i + 1] - a
  const bLength = offsets[j + 1] - b
  const shared = Math.min(aLength, bLength)
  let k = 0
  for (; k + 4 <= shared; k += 4) {
    const difference = view.getUint32(a + k) - view.getUint32(b + k)
    if (difference !== 0) return difference
  }
  for (; k < shared; k++) {
    const difference = view.getUint8(a + k) - view.getUint8(b + k)
    if (difference !== 0) return difference
  }
  return aLength - bLength
}
