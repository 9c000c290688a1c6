import { pageCodec } from '../../formats/parquet/encode/codec.ts'
import type { RowGroupOptions } from '../../formats/parquet/row-group.ts'
import type { EncoderOptions, FileEncoder } from './file-encoder.ts'
import { StreamingEncoder } from './streaming-encoder.ts'

/** Whether files of this codec are made of small batches, page by page; if not, each batch becomes a row group. */
export function isStreaming({ codec }: Pick<RowGroupOptions, 'codec'>): boolean {
  return pageCodec(codec) !== undefined
}

/** Our own encoder for the codecs that it covers, else parquet-wasm, which is loaded only then: it takes time and memory. */
export async function openFileEncoder(options: EncoderOptions): Promise<FileEncoder> {
  if (isStreaming(options)) return new StreamingEncoder(options)
  const { BatchEncoder } = await import('./batch-encoder.ts')
  return new BatchEncoder(options)
}
