import { WorkError } from '../../model/failure.ts'

/**
 * The part `[from, to)` of an object of `size` bytes that a range asks for; the range's end may lie beyond the object's, as in
 * HTTP (RFC 9110, 14.1.2). Throws a WorkError where the range is empty or starts at or after the object's end.
 */
export function byteRange(key: string, size: number, range?: { start: number; end: number }): [from: number, to: number] {
  if (range === undefined) return [0, size]
  checkRange(key, range)
  if (range.start >= size) {
    throw new WorkError(`object ${key}: bytes [${range.start}, ${range.end}) were asked for, and it has ${size}`, { retry: 'never' })
  }
  return [range.start, Math.min(range.end, size)]
}

/** Throws a WorkError unless a range has whole numbers and at least one byte. */
export function checkRange(key: string, { start, end }: { start: number; end: number }): void {
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || start < 0 || end <= start) {
    throw new WorkError(`object ${key}: [${start}, ${end}) is no range of bytes`, { retry: 'never' })
  }
}
