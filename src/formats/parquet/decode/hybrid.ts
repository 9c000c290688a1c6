import { live } from '../encode/shredded.ts'
import type { PageBytes } from './bit-view.ts'

/*
 * Parquet's RLE / bit-packing hybrid (parquet-format, Encodings.md, "RLE = 3"):
 *
 *   hybrid = run*
 *   run    = header(varint: count << 1) value(as many bytes as `width` bits take)
 *          | header(varint: groups of eight << 1 | 1) values packed from the lowest bit on
 */

/** What of a page's levels are the largest one. */
export interface Levels {
  /** A byte each; null where all are the usual one: the largest definition level, the smallest repetition level. */
  readonly levels: Uint8Array | null
  /** Those that are `top`. */
  readonly count: number
}

/** Reads `count` values of `width` bits, 0 to 32, from `[start, end)` into `out`. Throws a RangeError where the bytes end too soon. */
export function decodeHybrid({ bytes, view }: PageBytes, start: number, end: number, width: number, out: Int32Array, count: number): void {
  let at = start
  const valueBytes = (width + 7) >> 3
  for (let filled = 0; filled < count;) {
    let header = 0
    for (let shift = 0, byte = 0x80; byte >= 0x80; shift += 7) {
      if (at >= end || shift > 28) throw cutOff()
      byte = bytes[at++]
      header |= (byte & 0x7f) << shift
    }
    const size = header >>> 1
    if ((header & 1) === 0) {
      if (at + valueBytes > end || size === 0) throw cutOff()
      let value = 0
      for (let k = 0; k < valueBytes; k++) value |= bytes[at++] << (8 * k)
      const stop = Math.min(count, filled + size)
      out.fill(value, filled, stop)
      filled = stop
      continue
    }
    const stop = Math.min(count, filled + size * 8)
    if (size === 0 || at + (((stop - filled) * width + 7) >> 3) > end) throw cutOff()
    if (width > 0) unpack(view, at, width, out, filled, stop)
    else out.fill(0, filled, stop)
    at += size * width
    filled = stop
  }
}

/** Unpacks values of `width` bits to `out[from, to)`. */
export function unpack(view: DataView, at: number, width: number, out: Int32Array, from: number, to: number): void {
  if (width === 32) {
    for (let i = from, k = at; i < to; i++, k += 4) out[i] = view.getInt32(k, true)
    return
  }
  const mask = (1 << width) - 1
  if (width <= 25) {
    for (let i = from, bit = 0; i < to; i++, bit += width) out[i] = (view.getInt32(at + (bit >> 3), true) >>> (bit & 7)) & mask
    return
  }
  for (let i = from, bit = 0; i < to; i++, bit += width) {
    const place = at + (bit >> 3)
    const shift = bit & 7
    const low = view.getInt32(place, true) >>> shift
    out[i] = (shift === 0 ? low : low | (view.getUint8(place + 4) << (32 - shift))) & mask
  }
}

/**
 * Reads `count` levels up to `max`. Definition levels that are `max` become `live` with `isDefinition`. Throws as `decodeHybrid` does.
 */
export function decodeLevels(page: PageBytes, start: number, end: number, max: number, count: number, isDefinition: boolean): Levels {
  const width = 32 - Math.clz32(max)
  const usual = isDefinition ? max : 0
  const { bytes } = page
  // Most columns have neither nulls nor lists: one run.
  const run = wholeRun(bytes, start, end, count)
  if (run !== null && run === usual) return { levels: null, count: isDefinition ? count : 0 }
  const numbers = scratch.length < count ? (scratch = new Int32Array(count * 2)) : scratch
  decodeHybrid(page, start, end, width, numbers, count)
  const levels = new Uint8Array(count)
  let tops = 0
  for (let i = 0; i < count; i++) {
    const level = numbers[i]
    if (level > max) throw new RangeError(`parquet: a level is ${level}, and the largest can be ${max}`)
    const isTop = level === max ? 1 : 0
    tops += isTop
    levels[i] = isDefinition && isTop === 1 ? live : level
  }
  return { levels: isDefinition && tops === count ? null : levels, count: tops }
}

let scratch = new Int32Array(0)

/** The level that all have, where they are written as one run. */
function wholeRun(bytes: Uint8Array, start: number, end: number, count: number): number | null {
  let header = 0
  let at = start
  for (let shift = 0, byte = 0x80; byte >= 0x80; shift += 7) {
    if (at >= end || shift > 28) return null
    byte = bytes[at++]
    header |= (byte & 0x7f) << shift
  }
  return (header & 1) === 0 && header >>> 1 >= count && at < end ? bytes[at] : null
}

function cutOff(): RangeError {
  return new RangeError('parquet: levels or indexes end before their last value')
}
