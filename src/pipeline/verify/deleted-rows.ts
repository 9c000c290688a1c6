import { deletedPositions } from '../../formats/iceberg/deletion-vector.ts'
import { ParquetColumns } from '../../formats/parquet/read-rows.ts'
import type { FileIO } from '../../seams/file-io.ts'
import type { DeleteFile, TableFile } from './table-files.ts'

/** Reserved field ids of position delete files (table specification, "Position Delete Files"). */
const pathFieldId = 2147483546
const positionFieldId = 2147483545

/** Which row of a file was deleted, and by which snapshot; undefined: none. */
export type DeletedRow = (position: number) => { readonly snapshot: bigint | null } | undefined

/** Rows of a data file that were deleted at once. */
interface Deletes {
  readonly sequence: bigint
  readonly snapshot: bigint | null
  readonly positions: number[]
}

/** What tells one entry of a data file from others, of which some may be of the same path. */
type FileEntry = Pick<TableFile, 'path' | 'dataSequence'>

/** Rows that delete files take out of data files, by their positions. */
export class DeletedRows {
  readonly #byPath = new Map<string, Deletes[]>()
  readonly #byEntry = new Map<string, Deletes[]>()
  readonly #unknown = new Map<string, string>()
  readonly #read = new Set<string>()

  /**
   * Reads a position delete file or a deletion vector; one that was read before changes nothing. Throws what the store throws, and Errors
   * for other files and damaged ones.
   */
  async add(io: FileIO, file: DeleteFile): Promise<void> {
    const key = `${file.path}#${file.blob?.start ?? ''}`
    if (this.#read.has(key)) return
    this.#read.add(key)
    const { sequence, snapshot } = file
    for (const [path, positions] of file.kind === 'vector' ? await readVector(io, file) : await readRows(io, file))
      push(this.#byPath, path, { sequence, snapshot, positions })
  }

  /** Notes rows that equality deletes take out of a file. */
  addRows(file: FileEntry, deletes: Deletes): void {
    push(this.#byEntry, keyOf(file), deletes)
  }

  /** Notes that nothing tells which rows of a file are deleted, since its columns can not be read. */
  addUnknown(file: FileEntry, reason: string): void {
    this.#unknown.set(keyOf(file), reason)
  }

  /** Why nothing tells which rows of a file are deleted. */
  whyUnknown(file: FileEntry): string | undefined {
    return this.#unknown.get(keyOf(file))
  }

  /**
   * The deletes that apply to a data file: positions in deletes that are not older than its rows. Null: none does. A row that several take out was deleted by the oldest;
   * a deletion vector has all that was deleted before it, so nothing has to be left out for it.
   */
  of(file: FileEntry): DeletedRow | null {
    const named = this.#byPath.get(file.path)?.filter(({ sequence }) => sequence >= file.dataSequence) ?? []
    const applying = [...named, ...(this.#byEntry.get(keyOf(file)) ?? [])]
    if (applying.length === 0) return null
    applying.sort((a, b) => (a.sequence < b.sequence ? -1 : 1))
    const { positions, deleters } = merged(applying)
    return (position) => {
      const place = placeOf(positions, position)
      return place === -1 ? undefined : applying[deleters[place]]
    }
  }
}

function keyOf({ path, dataSequence }: FileEntry): string {
  return `${dataSequence} ${path}`
}

function push(map: Map<string, Deletes[]>, key: string, deletes: Deletes): void {
  const known = map.get(key)
  if (known === undefined) map.set(key, [deletes])
  else known.push(deletes)
}

async function readRows(io: FileIO, file: DeleteFile): Promise<Map<string, number[]>> {
  const parquet = await ParquetColumns.open({ byteLength: file.bytes, slice: (start, end) => io.read(file.path, { start, end }) })
  const names = [
    [pathFieldId, 'file_path'],
    [positionFieldId, 'pos'],
  ].map(([id, name]) => parquet.flatColumns.find((column) => column.fieldId === id)?.name ?? String(name))
  const ofFile = new Map<string, number[]>()
  for await (const { length, columns } of parquet.chunks(names)) {
    const [paths, positions] = columns as [ArrayLike<string>, ArrayLike<number | bigint>]
    for (let i = 0; i < length; i++) {
      const known = ofFile.get(paths[i])
      if (known === undefined) ofFile.set(paths[i], [Number(positions[i])])
      else known.push(Number(positions[i]))
    }
  }
  parquet.close()
  return ofFile
}

async function readVector(io: FileIO, { path, blob, bytes, rows }: DeleteFile): Promise<Map<string, number[]>> {
  if (blob === null) throw new Error('its manifest entry does not say where it is')
  const { start, dataFile } = blob
  return new Map([[dataFile, deletedPositions(await io.read(path, { start, end: start + bytes }), Number(rows))]])
}

interface Merged {
  /** Ascending, none twice. */
  readonly positions: Float64Array
  /** Which of the deletes took it out first. */
  readonly deleters: Uint32Array
}

/** All positions at once, so that looking one up takes the same however many files there are. */
function merged(all: readonly Deletes[]): Merged {
  // Position and deleter as one number each: a position is below 2^40 in any file that can be, and there are fewer files than 2^13.
  const span = all.length
  const keys = new Float64Array(all.reduce((sum, { positions }) => sum + positions.length, 0))
  let count = 0
  for (const [deleter, { positions }] of all.entries()) for (const position of positions) keys[count++] = position * span + deleter
  keys.sort()
  const [positions, deleters] = [new Float64Array(count), new Uint32Array(count)]
  let kept = 0
  for (const key of keys) {
    const position = Math.floor(key / span)
    if (kept > 0 && positions[kept - 1] === position) continue
    positions[kept] = position
    deleters[kept++] = key - position * span
  }
  return { positions: positions.subarray(0, kept), deleters }
}

function placeOf(sorted: Float64Array, wanted: number): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (sorted[middle] < wanted) low = middle + 1
    else high = middle
  }
  return sorted[low] === wanted ? low : -1
}
