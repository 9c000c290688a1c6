import { type BatchHeader, readBatchHeader } from '../../../../src/formats/kafka/batch-header.ts'

/** The header of a batch that stands alone; throws where it is not sound. */
export function headerOf(batch: Uint8Array, position = 0): BatchHeader {
  const view = new DataView(batch.buffer, batch.byteOffset, batch.byteLength)
  const header = readBatchHeader(batch, view, position, batch.length, 0n)
  if ('kind' in header) throw new Error(header.message)
  return header
}
