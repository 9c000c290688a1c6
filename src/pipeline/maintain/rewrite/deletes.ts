import type { FileGroup } from '../../../formats/parquet/decode/file-schema.ts'
import { type LeafSource, project } from '../../../formats/parquet/decode/projection.ts'
import type { LeafRun } from '../../../formats/parquet/encode/row-group-writer.ts'
import { WorkError } from '../../../model/failure.ts'
import type { LiveDelete, LiveFile, RewriteGroup } from '../rewrite-flow.ts'
import { EqualityDeletes, keyBytes } from './equality-deletes.ts'
import { projectionOf } from './input-file.ts'
import { oldRows } from './old-rows.ts'
import { PositionDeletes } from './position-deletes.ts'
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

/**
 * Reads the delete files of a group, each once. Throws a WorkError for one that can not be read here, and where equality deletes would
 * take more memory than there is.
 */
export async function readDeletes({ inputs }: RewriteGroup, options: RewriteOptions): Promise<GroupDeletes> {
  const positions = new PositionDeletes()
  const equality = new EqualityDeletes(options)
  const byPath = new Map<string, { deletes: LiveDelete; of: LiveFile[] }>()
  for (const { live, deletes } of inputs) {
    const hasVector = deletes.some(({ file }) => file.fileFormat === 'PUFFIN')
    for (const own of deletes) {
      // A deletion vector takes the place of all position deletes (table specification, "Deletion Vectors").
      if (hasVector && own.file.content === 1 && own.file.fileFormat !== 'PUFFIN') continue
      // Several vectors lie in one file.
      const key = own.file.fileFormat === 'PUFFIN' ? `${live.file.filePath} ${own.file.filePath}` : own.file.filePath
      const known = byPath.get(key)
      if (known === undefined) byPath.set(key, { deletes: own, of: [live] })
      else known.of.push(live)
    }
  }
  const keys = [...byPath.values()].reduce((sum, { deletes: { file } }) => sum + (file.content === 2 ? Number(file.recordCount) : 0), 0)
  if (keys * keyBytes > options.memoryLimitBytes) {
    const limit = Math.floor(options.memoryLimitBytes / keyBytes)
    throw new WorkError(`${keys} equality deletes apply to these files, and memory is for ${limit}: give the service more memory`, {
      retry: 'never',
    })
  }
  for (const { deletes, of } of byPath.values()) {
    options.signal.throwIfAborted()
    if (deletes.file.content === 2) for await (const _ of equality.read(deletes)) options.signal.throwIfAborted()
    else await positions.read(deletes.file, of, options)
  }
  const ageMatchers = options.dropOld === undefined ? [] : [oldRows(options.dropOld)]
  return {
    removerOf(live, root) {
      const bitmap = both(positions.of(live.file.filePath), options.leftOut?.get(live.file.filePath) ?? null)
      const matchers = [...equality.matchersFor(live), ...ageMatchers]
      const context = projectionOf(live.file, options)
      const sources = matchers.map(({ fields }) => project(fields, root, context))
      return {
        sources: sources.flat(),
        kept(firstRow, rows, leaves) {
          if (bitmap === null && matchers.length === 0) return null
          const kept = new Uint8Array(rows).fill(1)
          if (bitmap !== null) for (let i = 0; i < rows; i++) kept[i] = ~(bitmap[(firstRow + i) >> 3] >> ((firstRow + i) & 7)) & 1
          let at = 0
          for (const [i, matcher] of matchers.entries()) {
            matcher.remove(leaves.slice(at, (at += sources[i].length)), kept)
          }
          const count = kept.reduce((sum, keeps) => sum + keeps, 0)
          return count === rows ? null : { rows: kept, count }
        },
      }
    },
  }
}

function both(a: Uint8Array | null, b: Uint8Array | null): Uint8Array | null {
  return a === null || b === null ? (a ?? b) : a.map((bits, i) => bits | b[i])
}
