import { ParquetColumns } from '../../formats/parquet/read-rows.ts'
import type { FileIO } from '../../seams/file-io.ts'
import type { DeleteFile } from './table-files.ts'

/** Reserved field ids of position delete files (table specification, "Position Delete Files"). */
const pathFieldId = 2147483546
const positionFieldId = 2147483545

/** Which row of a file was deleted, and by which snapshot; undefined: none. */
export type DeletedRow = (position: number) => { readonly snapshot: bigint | null } | undefined

interface Deletes {
  readonly sequence: bigint
  readonly snapshot: bigint | null
  positions: number[]
}

/** Rows that position delete files take out of data files. */
export class PositionDeletes {
  readonly #byPath = new Map<string, Deletes[]>()
  readonly #read = new Set<string>()

  /** Reads a position delete file; one that was read before changes nothing. Throws what the store throws, and Errors for other files. */
  async add(io: FileIO, file: DeleteFile): Promise<void> {
    if (this.#read.has(file.path)) return
    this.#read.add(file.path)
    const parquet = await ParquetColumns.open({ byteLength: file.bytes, slice: (start, end) => io.read(file.path, { start, end }) })
    const names = [
      [pathFieldId, 'file_path'],
      [positionFieldId, 'pos'],
    ].map(([id, name]) => parquet.flatColumns.find((column) => column.fieldId === id)?.name ?? String(name))
    const ofFile = new Map<string, Deletes>()
    for await (const { length, columns } of parquet.chunks(names)) {
      const [paths, positions] = columns as [ArrayLike<string>, ArrayLike<number | bigint>]
      for (let i = 0; i < length; i++) {
        let deletes = ofFile.get(paths[i])
        if (deletes === undefined) ofFile.set(paths[i], (deletes = { sequence: file.sequence, snapshot: file.snapshot, positions: [] }))
        deletes.positions.push(Number(positions[i]))
      }
    }
    for (const [path, deletes] of ofFile) {
      deletes.positions.sort((a, b) => a - b)
      this.#byPath.set(
        path,
        [...(this.#byPath.get(path) ?? []), deletes].sort((a, b) => (a.sequence < b.sequence ? -1 : 1)),
      )
    }
  }

  /** The deletes that apply to a data file: those that are not older than it. Null: none does. */
  of(path: string, sequence: bigint): DeletedRow | null {
    const applying = (this.#byPath.get(path) ?? []).filter((deletes) => deletes.sequence >= sequence)
    return applying.length === 0 ? null : (position) => applying.find(({ positions }) => includes(positions, position))
  }
}

function includes(sorted: readonly number[], wanted: number): boolean {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (sorted[middle] < wanted) low = middle + 1
    else high = middle
  }
  return sorted[low] === wanted
}
