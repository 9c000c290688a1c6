import { crc32c as native } from '@node-rs/crc32'

/** CRC-32C (Castagnoli, RFC 3720 appendix B.4) of `bytes`, as an unsigned 32-bit number. */
export function crc32c(bytes: Uint8Array): number {
  return native(bytes)
}

/** A CRC as messages show it: eight hexadecimal digits. */
export function formatCrc(crc: number): string {
  return crc.toString(16).padStart(8, '0')
}
