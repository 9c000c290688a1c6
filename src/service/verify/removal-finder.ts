import type { ManifestFile } from '../../formats/iceberg/data-file.ts'
import type { Snapshot } from '../../formats/iceberg/table-metadata.ts'
import { endOf, normalizeRanges, type OffsetRange, type OffsetRanges } from '../../model/offset-range.ts'
import { Books, type PartitionBook } from '../../pipeline/verify/books.ts'
import { attribute, removedFiles, type RemovedRows } from '../../pipeline/verify/removals.ts'
import type { TableFile } from '../../pipeline/verify/table-files.ts'
import { enterFiles, type Entering } from './table-books.ts'
import { readDeletes, type TableWithDeletes } from './table-deletes.ts'

/** A table's past, as far as its metadata still has it. */
export interface History extends TableWithDeletes {
  /** Newest first. */
  readonly history: readonly Snapshot[]
  readonly manifestsOf: (snapshot: Snapshot) => Promise<readonly ManifestFile[] | null>
}

/** Finds out which snapshots removed rows; reads the past only when it is first asked. */
export class RemovalFinder {
  readonly #past: History
  readonly #entering: Omit<Entering, 'deletes'>
  readonly #order: ReadonlyMap<bigint, number>
  #removed: Promise<{ books: Books; files: readonly TableFile[] }> | null = null

  constructor(past: History, entering: Omit<Entering, 'deletes'>) {
    this.#past = past
    this.#entering = { ...entering, exact: false, progress: undefined }
    this.#order = new Map(past.history.map((snapshot, i) => [snapshot['snapshot-id'], past.history.length - i]))
  }

  /** The rows that are missing, by the snapshot that removed them; null: the metadata does not tell. */
  async find(missing: OffsetRanges, live: PartitionBook): Promise<Map<bigint | null, OffsetRanges>> {
    if (missing.length === 0) return new Map()
    const { books, files } = await (this.#removed ??= this.#read())
    const window: OffsetRange = [missing[0][0], endOf(missing)!]
    const removals = [...removedFrom(live, window), ...removalsIn(books.of(live.at), window, files)]
    return attribute(missing, removals, (snapshot) => this.#order.get(snapshot) ?? 0)
  }

  async #read(): Promise<{ books: Books; files: readonly TableFile[] }> {
    const { history, manifestsOf } = this.#past
    const removed = await removedFiles(history, this.#entering.columns, this.#entering.io, manifestsOf)
    const { files } = removed
    // What deletes took out of files that are still there is known.
    if (files.length === 0) return { books: new Books(), files }
    // Equality deletes that came when a file was gone took nothing out of it.
    const sequences = new Map(history.map((snapshot) => [snapshot['snapshot-id'], snapshot['sequence-number'] ?? null]))
    const goneAt = ({ snapshot }: TableFile) => (snapshot === null ? null : (sequences.get(snapshot) ?? null))
    const deletes = await readDeletes(this.#past, this.#entering.io, removed, goneAt)
    const { books } = await enterFiles(files, { ...this.#entering, deletes })
    return { books, files }
  }
}

/** What deletes took out of files that are there, of some offsets. */
function removedFrom({ removals }: PartitionBook, window: OffsetRange): RemovedRows[] {
  return removals.map(({ ranges, ...one }) => ({ ...one, ranges: ranges.within(window) })).filter(({ ranges }) => ranges.length > 0)
}

/** What was in removed files, of some offsets of one topic-partition. */
function removalsIn(book: PartitionBook, window: OffsetRange, files: readonly TableFile[]): RemovedRows[] {
  const byFile = new Map<number, OffsetRange[]>()
  book.runs.within(window).forEach((start, end, file) => {
    const ranges = byFile.get(file)
    if (ranges === undefined) byFile.set(file, [[start, end]])
    else ranges.push([start, end])
  })
  const whole = [...byFile].map(([file, ranges]) => ({
    ranges: normalizeRanges(ranges),
    sequence: files[file].sequence,
    snapshot: files[file].snapshot,
  }))
  return [...removedFrom(book, window), ...whole]
}
