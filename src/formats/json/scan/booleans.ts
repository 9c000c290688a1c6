import type { BooleanBuilder } from '../../arrow/builders/bits.ts'
import { giveUp, type Source } from './source.ts'

/** `p`: at the value. Gives up where it is neither true nor false. */
export function readBoolean({ bytes, view }: Source, column: BooleanBuilder, p: number): number {
  if (view.getInt32(p, true) === 0x65757274) {
    column.append(true)
    return p + 4
  }
  if (bytes[p] !== 0x66 || view.getInt32(p + 1, true) !== 0x65736c61) return giveUp
  column.append(false)
  return p + 5
}
