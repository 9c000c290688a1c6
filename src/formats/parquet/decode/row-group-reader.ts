import type { LeafRun } from '../encode/row-group-writer.ts'
import { live } from '../encode/shredded.ts'
import type { FileLeaf } from './file-schema.ts'
import type { FileRun, LeafReader } from './leaf-reader.ts'
import type { InputRowGroup } from './parquet-input.ts'
import { forbidden, type LeafSource } from './projection.ts'

/** Reads the rows of a row group as leaves of the table's schema. */
export class RowGroupReader {
  readonly #sources: readonly LeafSource[]
  readonly #readers = new Map<FileLeaf, LeafReader>()

  /** `windowBytes`: of each column that are in memory at a time. */
  constructor(group: InputRowGroup, sources: readonly LeafSource[], windowBytes: number) {
    this.#sources = sources
    for (const source of sources)
      if (source.kind === 'read') this.#readers.set(source.leaf, group.open(source.leaf, source.convert, windowBytes))
    for (const source of sources) {
      if (source.kind === 'read' || source.like === null || this.#readers.has(source.like)) continue
      this.#readers.set(
        source.like,
        group.open(source.like, (values) => values, windowBytes),
      )
    }
  }

  /** Gives the memory of all rows back that were read. */
  close(): void {
    for (const reader of this.#readers.values()) reader.close()
  }

  /** The next rows: for each leaf of the table runs of levels, until the next call. Throws an Error for a file that is damaged, or a null that is not allowed. */
  async read(rows: number): Promise<LeafRun[][]> {
    const read = new Map<FileLeaf, FileRun[]>()
    const readers = [...this.#readers]
    const runs = await Promise.all(readers.map(([, reader]) => reader.read(rows)))
    for (const [i, [leaf]] of readers.entries()) read.set(leaf, runs[i])
    return this.#sources.map((source): LeafRun[] => {
      if (source.kind === 'read') {
        if (source.levels === null) return read.get(source.leaf)!
        return read.get(source.leaf)!.map((run) => ({ ...run, definition: mapLevels(run, source.levels!, source.path) }))
      }
      return source.like === null ? [absentRows(source, rows)] : read.get(source.like)!.map((run) => absentLike(source, run))
    })
  }
}

function mapLevels({ definition, length }: FileRun, table: Uint8Array, path: string): Uint8Array | null {
  if (definition === null) {
    if (table[live] === live) return null
    return new Uint8Array(length).fill(table[live])
  }
  const mapped = new Uint8Array(length)
  let refused = 0
  for (let i = 0; i < length; i++) {
    const level = table[definition[i]]
    mapped[i] = level
    refused |= level === forbidden ? 1 : 0
  }
  if (refused === 1) throw new Error(`column ${path} is required, and the file has a null there`)
  return mapped
}

type Absent = Extract<LeafSource, { kind: 'absent' }>

function absentRows({ levels, constant }: Absent, rows: number): LeafRun {
  if (constant !== null) return filled(rows, null, null, rows, constant)
  return filled(rows, null, new Uint8Array(rows).fill(levels![0]), 0, null)
}

function absentLike({ levels, repetition: deepest, constant, path }: Absent, run: FileRun): LeafRun {
  const kept = shallow(run, deepest)
  const definition = levels === null ? kept.definition : mapLevels(kept, levels, path)
  let count = kept.length
  if (definition !== null) {
    count = 0
    for (const level of definition) count += level >> 7
  }
  return filled(kept.length, kept.repetition, definition, constant === null ? 0 : count, constant)
}

/** A run without what is repeated deeper than `deepest`. */
function shallow(run: FileRun, deepest: number): FileRun {
  const { repetition, definition, length } = run
  if (repetition === null || !repetition.some((level) => level > deepest)) return run
  const keptRepetition = new Uint8Array(length)
  const keptDefinition = definition === null ? null : new Uint8Array(length)
  let kept = 0
  for (let i = 0; i < length; i++) {
    if (repetition[i] > deepest) continue
    keptRepetition[kept] = repetition[i]
    if (keptDefinition !== null) keptDefinition[kept] = definition![i]
    kept++
  }
  const levels = { repetition: keptRepetition.subarray(0, kept), definition: keptDefinition?.subarray(0, kept) ?? null }
  return { ...run, ...levels, length: kept }
}

function filled(
  length: number,
  repetition: Uint8Array | null,
  definition: Uint8Array | null,
  count: number,
  constant: LeafRun['values'] | null,
): LeafRun {
  return {
    length,
    repetition: repetition !== null && repetition.some((level) => level > 0) ? repetition : null,
    definition,
    count,
    slots: constant === null ? null : new Int32Array(count),
    first: 0,
    values: constant,
    isIndexed: constant !== null,
  }
}
