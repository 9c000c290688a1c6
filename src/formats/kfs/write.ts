import { crc32c } from '../bytes/crc32c.ts'
import { dataViewOf } from '../bytes/data-view.ts'
import { type BatchHeader, lastOffsetOf } from '../kafka/batch-header.ts'
import { readBatch } from '../kafka/old-messages.ts'
import { endMark, footerBytes, headerBytes, idx, indexEntryBytes, indexHeaderBytes, kafs, version } from './layout.ts'

/** How many messages lie between two entries of an index, as KafScale's broker has it unless it is told otherwise. */
const indexInterval = 100
/** What a set of old messages may inflate to, to be counted. */
const maxBatchBytes = 64 * 1024 * 1024

/**
 * Writes a segment and its index around record batches, as a broker does that counts right. `createdMs`: ms since 1970.
 * Throws a RangeError where a batch is not a sound one.
 */
export function writeSegment(content: {
  readonly baseOffset: bigint
  readonly batches: readonly Uint8Array[]
  readonly createdMs: number
}): {
  segment: Uint8Array
  index: Uint8Array
} {
  const body = Buffer.concat(content.batches)
  const segment = new Uint8Array(headerBytes + body.length + footerBytes)
  const view = dataViewOf(segment)
  segment.set(body, headerBytes)
  const bodyEnd = headerBytes + body.length
  const batches = readBatches(segment, view, bodyEnd)

  view.setUint32(0, kafs)
  view.setUint16(4, version)
  view.setBigInt64(8, content.baseOffset)
  view.setInt32(
    16,
    batches.reduce((sum, batch) => sum + batch.recordCount, 0),
  )
  view.setBigInt64(20, BigInt(content.createdMs))
  view.setUint32(bodyEnd, crc32c(body))
  view.setBigInt64(bodyEnd + 4, batches.length === 0 ? content.baseOffset - 1n : lastOffsetOf(batches[batches.length - 1]))
  view.setUint32(bodyEnd + 12, endMark)
  return { segment, index: writeIndex(batches) }
}

function readBatches(segment: Uint8Array, view: DataView, end: number): BatchHeader[] {
  const batches: BatchHeader[] = []
  for (let position = headerBytes; position < end;) {
    const batch = readBatch(segment, view, position, end, 0n, { maxBatchBytes })
    if ('kind' in batch) throw new RangeError(batch.message)
    batches.push(batch)
    position += batch.length
  }
  return batches
}

/** An entry for the first batch, and for each that begins `indexInterval` messages or more after the last entry's. */
function writeIndex(batches: readonly BatchHeader[]): Uint8Array {
  const entries: BatchHeader[] = []
  let messages = indexInterval
  for (const batch of batches) {
    if (messages >= indexInterval) {
      entries.push(batch)
      messages = 0
    }
    messages += batch.recordCount
  }
  const index = new Uint8Array(indexHeaderBytes + entries.length * indexEntryBytes)
  const view = dataViewOf(index)
  view.setUint32(0, idx)
  view.setUint16(4, version)
  view.setInt32(6, entries.length)
  view.setInt32(10, indexInterval)
  entries.forEach((batch, i) => {
    view.setBigInt64(indexHeaderBytes + i * indexEntryBytes, batch.baseOffset)
    view.setInt32(indexHeaderBytes + i * indexEntryBytes + 8, batch.position)
  })
  return index
}
