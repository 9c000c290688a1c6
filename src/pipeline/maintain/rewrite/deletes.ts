import type { FileGroup } from '../../../formats/parquet/decode/file-schema.ts'
import type { LeafSource } from '../../../formats/parquet/decode/projection.ts'
import type { LeafRun } from '../../../formats/parquet/encode/row-group-writer.ts'
import type { LiveFile, RewriteGroup } from '../rewrite-flow.ts'
import type { RewriteOptions } from './rewrite-options.ts'

/** Which rows stay: a byte each, 1 or 0. */
export interface Kept {
  readonly rows: Uint8Array
  readonly count: number
}

/** Takes deleted rows out of one data file. */
export interface Remover {
  /** Columns that it looks at. */
  readonly sources: readonly LeafSource[]
  /** What stays of `rows` rows from `firstRow` on; null: all. `leaves`: of `sources`. */
  kept(firstRow: number, rows: number, leaves: readonly (readonly LeafRun[])[]): Kept | null
}

/** The deletes of a group, read. */
export interface GroupDeletes {
  removerOf(live: LiveFile, root: FileGroup, options: RewriteOptions): Remover
}

const none: Remover = { sources: [], kept: () => null }

export async function readDeletes(_group: RewriteGroup, _options: RewriteOptions): Promise<GroupDeletes> {
  return { removerOf: () => none }
}
