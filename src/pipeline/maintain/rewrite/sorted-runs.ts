import type { NestedField } from '../../../formats/iceberg/schema.ts'
import type { SortOrder } from '../../../formats/iceberg/table-metadata.ts'
import { ParquetInput } from '../../../formats/parquet/decode/parquet-input.ts'
import { project } from '../../../formats/parquet/decode/projection.ts'
import { RowGroupReader } from '../../../formats/parquet/decode/row-group-reader.ts'
import { ParquetFile } from '../../../formats/parquet/encode/parquet-file.ts'
import { type LeafRun, RowGroupWriter } from '../../../formats/parquet/encode/row-group-writer.ts'
import { leavesOf } from '../../../formats/parquet/encode/schema-elements.ts'
import { mergeBlocks } from '../../../formats/parquet/sort/merge-blocks.ts'
import { type RowBlock, RowSorter } from '../../../formats/parquet/sort/row-sorter.ts'
import type { FileIO } from '../../../seams/file-io.ts'
import { naming } from './input-file.ts'

export interface SortingOptions {
  readonly order: SortOrder
  /** What rows that are sorted or merged at once may take. */
  readonly memoryBytes: number
  readonly io: FileIO
  /** Names for files that are removed again, full URIs. */
  readonly newLocation: () => string
  readonly signal: AbortSignal
}

interface SortedPart {
  readonly rows: number
  readonly leaves: readonly (readonly LeafRun[])[]
}

/** Many runs are open at once, so their pages are small. */
export const sortedPageBytes = 64 * 1024
export const sortedRowGroupBytes = 8 * 1024 * 1024
/** Of the rows of one run that are in memory. */
const blockBytes = 1024 * 1024
const maxBlockRows = 8 * 1024
const maxFanIn = 64

/** Files of sorted rows that are merged at once, where rows of so many leaves may take that much memory. */
export function fanIn(memoryBytes: number, leaves: number): number {
  // Of each leaf a window of bytes, a page and a dictionary.
  const perRun = 3 * sortedPageBytes * leaves + 2 * blockBytes
  return Math.max(2, Math.min(maxFanIn, Math.floor(memoryBytes / perRun)))
}

/** Rows that are sorted in parts, each in a file beside the table's, where orphan removal finds what a crash leaves behind. */
export class SortedRuns {
  readonly #fields: readonly NestedField[]
  readonly #options: SortingOptions
  readonly #fanIn: number
  /** In the order of the rows that they were made of, so that equal rows stay as they were. */
  #runs: { readonly uri: string; readonly byteLength: number }[] = []

  constructor(fields: readonly NestedField[], options: SortingOptions) {
    this.#fields = fields
    this.#options = options
    this.#fanIn = fanIn(options.memoryBytes, leavesOf(fields).length)
  }

  get isEmpty(): boolean {
    return this.#runs.length === 0
  }

  /** Writes rows that are in order and come behind all others before. Throws what the object store throws. */
  async add(parts: Iterable<SortedPart>): Promise<void> {
    this.#runs.push(await this.#write(parts))
  }

  /** All rows in order. Runs that are too many to be read at once are merged into fewer, and those into fewer still. */
  async *merged(): AsyncGenerator<SortedPart, void, undefined> {
    while (this.#runs.length > this.#fanIn) {
      for (let at = 0; at + 1 < this.#runs.length; at++) {
        const some = this.#runs.slice(at, at + this.#fanIn)
        const merged = await this.#write(mergeBlocks(some.map((run) => this.#blocksOf(run))))
        this.#runs.splice(at, some.length, merged)
        for (const { uri } of some) await this.#options.io.remove(uri)
      }
    }
    yield* mergeBlocks(this.#runs.map((run) => this.#blocksOf(run)))
  }

  /** Removes the files. One that can not be removed is left to orphan removal. */
  async remove(): Promise<void> {
    await Promise.allSettled(this.#runs.splice(0).map(({ uri }) => this.#options.io.remove(uri)))
  }

  async #write(parts: Iterable<SortedPart> | AsyncIterable<SortedPart>): Promise<{ uri: string; byteLength: number }> {
    const { io, newLocation, signal } = this.#options
    const fields = this.#fields
    const uri = newLocation()
    async function* chunks(): AsyncGenerator<Uint8Array, void, undefined> {
      const file = new ParquetFile(fields)
      const writer = new RowGroupWriter(fields, { codec: 'zstd', pageSizeBytes: sortedPageBytes, dictionarySizeBytes: sortedPageBytes })
      yield file.start()
      for await (const { rows, leaves } of parts) {
        signal.throwIfAborted()
        writer.appendLeaves(rows, leaves)
        if (writer.byteLength >= sortedRowGroupBytes) yield* file.add(writer.finish())
      }
      if (writer.rowCount > 0) yield* file.add(writer.finish())
      yield file.finish(new Map()).tail
    }
    return { uri, byteLength: await io.write(uri, chunks()) }
  }

  async *#blocksOf({ uri, byteLength }: { uri: string; byteLength: number }): AsyncGenerator<RowBlock, void, undefined> {
    const { io, order } = this.#options
    const slice = (start: number, end: number) => io.read(uri, { start, end })
    const parquet = await naming(uri, () => ParquetInput.open({ byteLength, slice, givesOwn: true }))
    const sources = project(this.#fields, parquet.root, { nameMapping: null, constantOf: () => null })
    const sorter = new RowSorter(this.#fields, order)
    for (const group of parquet.rowGroups) {
      const reader = new RowGroupReader(group, sources, sortedPageBytes)
      const step = Math.max(1, Math.min(maxBlockRows, Math.floor((blockBytes * group.rows) / Math.max(1, group.plainBytes))))
      for (let at = 0; at < group.rows; at += step) {
        const rows = Math.min(step, group.rows - at)
        sorter.appendLeaves(rows, await naming(uri, () => reader.read(rows)))
        yield sorter.finishBlock()
      }
      reader.close()
    }
  }
}
