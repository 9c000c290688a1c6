import type { FixedBytesBuilder } from '../../arrow/builders/bytes.ts'
import { giveUp, type Source } from './source.ts'

const lowerHex = new Int8Array(256).fill(-1)
for (let digit = 0; digit < 16; digit++) lowerHex[digit.toString(16).charCodeAt(0)] = digit
const scratch = new Uint8Array(16)

/** Takes text in lower case, as RFC 9562 writes it. `p`: at the value. */
export function readUuid(source: Source, column: FixedBytesBuilder, p: number): number {
  const { bytes } = source
  if (bytes[p++] !== 0x22) return giveUp
  for (let i = 0; i < 16; i++) {
    if (i === 4 || i === 6 || i === 8 || i === 10) {
      if (bytes[p++] !== 0x2d) return giveUp
    }
    const value = (lowerHex[bytes[p]] << 4) | lowerHex[bytes[p + 1]]
    if (value < 0) return giveUp
    scratch[i] = value
    p += 2
  }
  if (bytes[p] !== 0x22) return giveUp
  column.append(scratch)
  return p + 1
}
