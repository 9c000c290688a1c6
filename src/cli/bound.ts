import type { Bound } from '../model/bound.ts'
import { DocumentError } from '../model/failure.ts'
import { parseTime } from '../spec/iso-time.ts'
import { FormError } from '../spec/scanner.ts'

/** Reads an offset, or a time. */
export function boundOf(flag: string): (text: string) => Bound {
  return (text) => {
    if (/^\d{1,19}$/.test(text) && BigInt(text) <= 0x7fffffffffffffffn) return { offset: BigInt(text) }
    try {
      return { timeMs: parseTime(text).timeMs }
    } catch (error) {
      if (!(error instanceof FormError)) throw error
      throw new DocumentError(`${flag}: expected an offset or an ISO time (${error.message}), found ${JSON.stringify(text)}`)
    }
  }
}
