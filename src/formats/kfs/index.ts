import type { Fault, FaultKind } from '../../model/failure.ts'
import { dataViewOf } from '../bytes/data-view.ts'
import { headerBytes, idx, indexEntryBytes, indexHeaderBytes, version } from './layout.ts'

/** Where in a segment the batch lies that holds an offset, for some of its offsets. */
export interface IndexEntry {
  readonly offset: bigint
  /** Byte position in the segment. */
  readonly position: number
}

/** A segment's index. */
export interface SegmentIndex {
  /** The sound entries, up to the fault. */
  readonly entries: readonly IndexEntry[]
  /** How many messages lie between two entries, as the writer aims at; 0 where the header is wrong. */
  readonly interval: number
  /** The first defect; its position is one in the index, its offset the last one read before it, else 0. */
  readonly fault: Fault | null
}

/** Reads an index. Never throws because of the bytes. */
export function parseIndex(bytes: Uint8Array): SegmentIndex {
  const view = dataViewOf(bytes)
  const entries: IndexEntry[] = []
  let interval = 0
  const stop = (kind: FaultKind, position: number, message: string): SegmentIndex => ({
    entries,
    interval,
    fault: { kind, position, offset: entries.at(-1)?.offset ?? 0n, message },
  })

  if (bytes.length >= 4 && view.getUint32(0) !== idx)
    return stop('magic', 0, 'an index begins with IDX and a zero byte, and this object does not')
  if (bytes.length < indexHeaderBytes) {
    return stop('length', 0, `an index has ${indexHeaderBytes} bytes or more, and this object has ${bytes.length}`)
  }
  if (view.getUint16(4) !== version)
    return stop('malformed', 4, `index version ${version} was expected, and the header says ${view.getUint16(4)}`)
  interval = view.getInt32(10)
  const count = view.getInt32(6)
  const size = indexHeaderBytes + count * indexEntryBytes
  if (count < 0 || size !== bytes.length) return stop('length', 6, `the index says ${count} entries, and it has ${bytes.length} bytes`)
  for (let at = indexHeaderBytes; at < size; at += indexEntryBytes) {
    const offset = view.getBigInt64(at)
    const position = view.getInt32(at + 8)
    if (offset < 0n || position < headerBytes) {
      return stop('malformed', at, `the index entry at byte ${at} says offset ${offset} at position ${position}`)
    }
    entries.push({ offset, position })
  }
  return { entries, interval, fault: null }
}
