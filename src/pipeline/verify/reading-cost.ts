import { footerGuessBytes } from '../../formats/parquet/read-rows.ts'
import type { DeleteFile, TableFile } from './table-files.ts'

/** Requests and bytes. */
export interface ReadingCost {
  readonly get: number
  readonly bytes: number
}

/** A file up to this size is read as one where keys are compared, and the footer of others with so many bytes. */
const wholeBytes = 4 * 1024 * 1024
const keysFooterBytes = 64 * 1024
const keysWindowBytes = 1024 * 1024

export const nothing: ReadingCost = { get: 0, bytes: 0 }

/** Of all of these. */
export function sumOfCosts(costs: readonly ReadingCost[]): ReadingCost {
  return costs.reduce((sum, { get, bytes }) => ({ get: sum.get + get, bytes: sum.bytes + bytes }), nothing)
}

/** What the footer of a data file takes; `share`: how much of what is no column with a known size it is. */
export function footerCost({ bytes, sizes }: TableFile, share: number): ReadingCost {
  if (bytes <= footerGuessBytes) return { get: 1, bytes }
  const footer = Math.round(Math.max(0, bytes - sizes.columns) * share)
  return { get: footer > footerGuessBytes ? 2 : 1, bytes: Math.max(footer, footerGuessBytes) }
}

/** What its Kafka columns take beside that: neighbours, which are read at once for each row group. */
export function kafkaCost({ bytes, sizes }: TableFile): ReadingCost {
  return bytes <= footerGuessBytes ? nothing : { get: sizes.rowGroups, bytes: sizes.kafka }
}

/** What those columns take that equality deletes compare, each time that they are read. */
export function keysCost({ bytes, sizes: { rowGroups, keys, keyColumns } }: Pick<TableFile, 'bytes' | 'sizes'>): ReadingCost {
  if (bytes <= wholeBytes) return { get: 1, bytes }
  return { get: 1 + Math.max(rowGroups * keyColumns, Math.ceil(keys / keysWindowBytes)), bytes: keysFooterBytes + keys }
}

/** What a file of deletes takes, which is read whole. */
export function deletesCost({ kind, bytes, sizes, equalityIds }: DeleteFile): ReadingCost {
  if (kind === 'vector' || bytes <= footerGuessBytes) return { get: 1, bytes }
  if (kind === 'position') return { get: 1 + sizes.rowGroups, bytes }
  return keysCost({ bytes, sizes: { ...sizes, keys: bytes, keyColumns: equalityIds?.length ?? 1 } })
}

/** What all columns of the rows of one segment take, of a file with its rows and `others` segments beside it that are read too. */
export function rowsCost({ bytes, rows, sizes: { rowGroups } }: TableFile, segmentRows: number, segments: number): ReadingCost {
  const touched = Math.min(rowGroups, segments * Math.ceil((segmentRows * rowGroups) / Math.max(1, Number(rows))))
  if (bytes <= footerGuessBytes) return { get: 1, bytes }
  const groupBytes = bytes / rowGroups
  return { get: 1 + touched * Math.ceil(groupBytes / runBytes), bytes: footerGuessBytes + Math.round(touched * groupBytes) }
}

/** Columns of a row group are read together up to this size, bytes. */
const runBytes = 2 * 1024 * 1024
