import { encodeRun, maxGroups, packWide, shortestRun } from './hybrid.ts'
import { live } from './shredded.ts'

/** The largest level: those that are not `live` have the highest bit of their byte clear. */
export const maxLevel = live >> 1

/**
 * Writes the first `count` levels of `levels` in the RLE / bit-packing hybrid, four at a time; `live` stands for `max`, the largest.
 * Elements up to the next multiple of eight, and a few bytes of `out` past the end, are overwritten: both must be there.
 * Returns where they end.
 */
export function encodeLevels(levels: Int32Array, count: number, max: number, out: DataView, at: number): number {
  const bytes = new Uint8Array(levels.buffer)
  bytes.fill(0, count, (count + 7) & ~7)
  const width = 32 - Math.clz32(max)
  const minRun = shortestRun(width)
  let header = -1
  let groups = 0
  let end = at
  for (let i = 0; i < count;) {
    const a = levels[i >> 2]
    const b = levels[(i >> 2) + 1]
    if ((a === b && a === Math.imul(a & 0xff, 0x01010101)) || count - i < 8) {
      const level = bytes[i]
      let run = i + 1
      while (run < count && bytes[run] === level) run++
      // Whole groups, so that what follows is at a multiple of eight again.
      if (run < count) run = i + ((run - i) & ~7)
      if (run - i >= minRun || (run === count && header < 0)) {
        end = encodeRun(level === live ? max : level, run - i, width, out, end)
        header = -1
        i = run
        continue
      }
    }
    if (header < 0 || groups === maxGroups) {
      header = end++
      groups = 0
    }
    out.setUint8(header, (++groups << 1) | 1)
    end = packGroup(settled(a, max), settled(b, max), width, out, end)
    i += 8
  }
  return end
}

/** Four levels with `max` for `live`. */
function settled(levels: number, max: number): number {
  const lives = (levels >>> 7) & 0x01010101
  return (levels & ~Math.imul(lives, 0xff)) | Math.imul(lives, max)
}

const group = new Int32Array(8)

/** Eight levels, a byte each, in `width` bytes. */
function packGroup(a: number, b: number, width: number, out: DataView, at: number): number {
  if (width <= 4) {
    out.setInt32(at, packFour(a, width) | (packFour(b, width) << (4 * width)), true)
    return at + width
  }
  for (let k = 0; k < 4; k++) {
    group[k] = (a >>> (8 * k)) & 0xff
    group[4 + k] = (b >>> (8 * k)) & 0xff
  }
  return packWide(group, 0, width, out, at)
}

/** Four bytes of at most four bits each, without the zeros between them. */
function packFour(levels: number, width: number): number {
  const pairs = (levels & 0x00ff00ff) | (((levels >>> 8) & 0x00ff00ff) << width)
  return (pairs & 0xffff) | ((pairs >>> 16) << (2 * width))
}
