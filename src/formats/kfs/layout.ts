/*
 * A segment (`.kfs`), big endian:
 *
 *   segment = header record batch* footer
 *   header  =  0 "KAFS"  4 u16 version = 1  6 u16 flags  8 i64 base offset  16 i32 message count  20 i64 created, ms  28 u32 reserved
 *   footer  =  0 u32 CRC-32C of the record batches  4 i64 last offset  12 "END!"
 *
 * Its index (`.index`):
 *
 *   index   = header entry*
 *   header  =  0 "IDX" 0x00  4 u16 version = 1  6 i32 entry count  10 i32 interval, messages  14 u16 reserved
 *   entry   =  0 i64 offset  8 i32 position in the segment
 */
export const headerBytes = 32
export const footerBytes = 16
export const indexHeaderBytes = 16
export const indexEntryBytes = 12
/** The only version there is, of both. */
export const version = 1
/** The magic words as big-endian numbers. */
export const kafs = 0x4b414653
export const endMark = 0x454e4421
export const idx = 0x49445800

/** The header of a segment, as its writer filled it in. */
export interface SegmentHeader {
  readonly version: number
  readonly flags: number
  readonly baseOffset: bigint
  /** A hint: writers count wrongly what they do not understand. */
  readonly messageCount: number
  readonly createdMs: bigint
  readonly reserved: number
}

/** The footer of a segment, as its writer filled it in. */
export interface SegmentFooter {
  /** CRC-32C of the record batches. */
  readonly bodyCrc: number
  /** A hint, like the header's message count. */
  readonly lastOffset: bigint
}
