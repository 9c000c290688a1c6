import { isUtf8 as validates } from 'node:buffer'

/** Whether `bytes[start, end)` is well-formed UTF-8 (Unicode, table 3-7: no overlong forms, no surrogates). */
export function isUtf8(bytes: Uint8Array, start: number, end: number): boolean {
  // Keys are short and nearly always ASCII: a loop answers for them before a call into native code would have begun.
  const scanned = Math.min(end, start + 64)
  for (let i = start; i < scanned; i++) if (bytes[i] >= 0x80) return validates(bytes.subarray(i, end))
  return scanned === end || validates(bytes.subarray(scanned, end))
}
