/** Below these many bytes a loop is faster than the call into native code; a literal needs a view for that call too. */
const shortLiteral = 64
const shortMatch = 12

/** Copies `source[from, from + length)` to `target` at `to`. The caller has checked both. */
export function copyLiteral(source: Uint8Array, from: number, target: Uint8Array, to: number, length: number): void {
  if (length < shortLiteral) for (let i = 0; i < length; i++) target[to + i] = source[from + i]
  else target.set(source.subarray(from, from + length), to)
}

/**
 * Repeats `length` bytes of `bytes` that lie `distance` before `to`. Where `distance` is shorter than `length`, bytes just
 * written are read again: that is how LZ77 writes a run. The caller has checked both.
 */
export function copyMatch(bytes: Uint8Array, to: number, distance: number, length: number): void {
  const from = to - distance
  if (length < shortMatch || distance < length) for (let i = 0; i < length; i++) bytes[to + i] = bytes[from + i]
  else bytes.copyWithin(to, from, from + length)
}
