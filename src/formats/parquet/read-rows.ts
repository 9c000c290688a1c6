import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib'
import {
  type AsyncBuffer,
  type Compressors,
  type FileMetaData,
  type ParquetParsers,
  parquetMetadataAsync,
  parquetReadObjects,
  parquetScan,
} from 'hyparquet'

/** What hyparquet has no decoder of its own for. */
const compressors: Compressors = {
  ZSTD: (bytes) => zstdDecompressSync(bytes),
  GZIP: (bytes) => gunzipSync(bytes),
  BROTLI: (bytes) => brotliDecompressSync(bytes),
}

/** The first `limit` rows of a Parquet file, as objects by column name: for showing a table to a person, not for work. */
export async function readRows(file: Uint8Array, limit: number): Promise<Record<string, unknown>[]> {
  return parquetReadObjects({ file: exactBuffer(file), rowEnd: limit, utf8: false, compressors })
}

/** A file that is read in parts. */
export interface RandomAccess {
  readonly byteLength: number
  /** The bytes `[start, end)`. */
  slice(start: number, end: number): Promise<Uint8Array>
}

/** A top-level column that is no struct, list or map. */
export interface FlatColumn {
  readonly name: string
  /** Null where the file has no field ids. */
  readonly fieldId: number | null
}

/** Rows of a file, by column. */
export interface ColumnChunk {
  /** Position in the file of the first of them. */
  readonly firstRow: number
  readonly length: number
  /** By column, in the order asked for: whole numbers as number or bigint, strings as string. */
  readonly columns: readonly ArrayLike<unknown>[]
}

/** Where a row group lies in its file. */
export interface RowGroupPlace {
  readonly firstRow: number
  readonly rows: number
}

/** Times as microseconds, where hyparquet would make milliseconds of them. */
const exactTimes: Partial<ParquetParsers> = {
  timestampFromMilliseconds: (ms: bigint) => BigInt(ms) * 1000n,
  timestampFromMicroseconds: (us: bigint) => us,
  timestampFromNanoseconds: (ns: bigint) => ns / 1000n,
  dateFromDays: (days: number) => days,
  jsonFromBytes: (bytes: Uint8Array) => bytes,
}

/** hyparquet would make floating point numbers of decimals: without the annotation they come as they are stored. */
function withoutDecimals(metadata: FileMetaData): FileMetaData {
  const schema = metadata.schema.map(({ converted_type: converted, logical_type: logical, ...element }) =>
    converted === 'DECIMAL' || logical?.type === 'DECIMAL'
      ? element
      : {
          ...element,
          ...(converted !== undefined && { converted_type: converted }),
          ...(logical !== undefined && { logical_type: logical }),
        },
  )
  return { ...metadata, schema }
}

/** What is read at the end of a file at first, in the hope that the whole footer is in it, bytes. */
export const footerGuessBytes = 32 * 1024

/** An open Parquet file: its footer was read, and columns can be. */
export class ParquetColumns {
  readonly #file: PartlyRead
  readonly #metadata: FileMetaData

  private constructor(file: PartlyRead, metadata: FileMetaData) {
    this.#file = file
    this.#metadata = metadata
  }

  /**
   * Reads the footer, in one request or two; a file that is not larger than the first of them is read with it. Throws what `slice`
   * throws, and an Error where the bytes are no Parquet file.
   */
  static async open({ byteLength, slice }: RandomAccess): Promise<ParquetColumns> {
    const file = new PartlyRead(byteLength, async (start, end) => exactBuffer(await slice(start, end)))
    const read: ArrayBuffer[] = []
    const noting = { byteLength, slice: async (start: number, end?: number) => read[read.push(await file.slice(start, end)) - 1] }
    if (byteLength <= footerGuessBytes) await file.keep([[0, byteLength]])
    const metadata = await parquetMetadataAsync(noting, { initialFetchSize: footerGuessBytes, geoparquet: false })
    // Of ten thousand footers the garbage collector would keep thousands.
    for (const buffer of read) buffer.transfer(0)
    return new ParquetColumns(file, metadata)
  }

  /** Gives up what is held of a small file; whoever reads on has to ask again. */
  close(): void {
    this.#file.forget()
  }

  get rowCount(): bigint {
    return this.#metadata.num_rows
  }

  /** The file's own key-value metadata; undefined where it has no such key. */
  keyValue(key: string): string | undefined {
    return this.#metadata.key_value_metadata?.find((pair) => pair.key === key)?.value
  }

  /** Its columns that hold single values. */
  get flatColumns(): FlatColumn[] {
    return this.columns.filter(({ isFlat }) => isFlat)
  }

  /** Its top-level columns. */
  get columns(): (FlatColumn & { readonly isFlat: boolean })[] {
    const columns: (FlatColumn & { readonly isFlat: boolean })[] = []
    const { schema } = this.#metadata
    for (let i = 1; i < schema.length; i = subtreeEnd(schema, i)) {
      const { name, num_children: children, field_id: id } = schema[i]
      columns.push({ name, fieldId: id ?? null, isFlat: children === undefined })
    }
    return columns
  }

  /** The row groups that may have values of `[start, end)` in a column of whole numbers, as their statistics tell. */
  rowGroupsWith(column: string, start: bigint, end: bigint): RowGroupPlace[] {
    const places: RowGroupPlace[] = []
    let firstRow = 0
    for (const { columns, num_rows: count } of this.#metadata.row_groups) {
      const rows = Number(count)
      const statistics = columns.find(({ meta_data: meta }) => meta?.path_in_schema[0] === column)?.meta_data?.statistics
      const [min, max] = [statistics?.min_value ?? statistics?.min, statistics?.max_value ?? statistics?.max].map(integerOf)
      if (min === null || max === null || (min < end && max >= start)) places.push({ firstRow, rows })
      firstRow += rows
    }
    return places
  }

  /**
   * The rows of a row group as objects by column, exact and not for show: times in microseconds, decimals as they are stored, binaries as
   * bytes. Throws as `open` does.
   */
  exactRows(columns: readonly string[], { firstRow, rows }: RowGroupPlace): Promise<Record<string, unknown>[]> {
    return parquetReadObjects({
      file: this.#file,
      metadata: withoutDecimals(this.#metadata),
      columns: [...columns],
      rowStart: firstRow,
      rowEnd: firstRow + rows,
      utf8: false,
      parsers: exactTimes,
      compressors,
      geoparquet: false,
    })
  }

  /** The least and the greatest value of a column of whole numbers, as its statistics have it; null where they do not tell. */
  bounds(column: string): { readonly min: bigint; readonly max: bigint } | null {
    let bounds: { min: bigint; max: bigint } | null = null
    for (const { columns } of this.#metadata.row_groups) {
      const statistics = columns.find(({ meta_data: meta }) => meta?.path_in_schema[0] === column)?.meta_data?.statistics
      const [min, max] = [statistics?.min_value ?? statistics?.min, statistics?.max_value ?? statistics?.max].map(integerOf)
      if (min === null || max === null) return null
      bounds = { min: bounds === null || min < bounds.min ? min : bounds.min, max: bounds === null || max > bounds.max ? max : bounds.max }
    }
    return bounds
  }

  /** Reads columns, row group after row group. Throws as `open` does. */
  async *chunks(columns: readonly string[]): AsyncGenerator<ColumnChunk, void, undefined> {
    const file = this.#file.within()
    const scan = await parquetScan({ file, metadata: this.#metadata, columns: [...columns], compressors, geoparquet: false })
    for (const { rowStart, rowEnd } of scan.ranges) {
      await file.keep(this.#placesOf(columns, rowStart))
      const read = await Promise.all(columns.map((column) => scan.readColumn({ column, rowStart, rowEnd })))
      file.forget()
      yield { firstRow: rowStart, length: rowEnd - rowStart, columns: read }
    }
  }

  /** Where columns lie in the row group of a row; neighbours as one place. */
  #placesOf(names: readonly string[], row: number): (readonly [number, number])[] {
    let firstRow = 0
    const group = this.#metadata.row_groups.find(({ num_rows: rows }) => (firstRow += Number(rows)) > row)
    const chunks = group?.columns.flatMap(({ meta_data: meta }) =>
      meta !== undefined && names.includes(meta.path_in_schema[0]) ? [meta] : [],
    )
    const places: [number, number][] = []
    for (const { dictionary_page_offset: dictionary, data_page_offset: data, total_compressed_size: size } of chunks ?? []) {
      const start = Number(dictionary || data)
      const last = places.at(-1)
      if (last !== undefined && start >= last[1] && start - last[1] <= holeBytes) last[1] = start + Number(size)
      else places.push([start, start + Number(size)])
    }
    return places
  }
}

/** What lies between two columns is read along where it is no more than this, bytes. */
const holeBytes = 8 * 1024

/** A file of which parts that were read are kept, so that they are not asked for again. */
class PartlyRead implements AsyncBuffer {
  readonly byteLength: number
  readonly #read: (start: number, end: number) => Promise<ArrayBuffer>
  readonly #around: PartlyRead | null
  #parts: { readonly start: number; readonly end: number; readonly bytes: ArrayBuffer }[] = []

  constructor(byteLength: number, read: (start: number, end: number) => Promise<ArrayBuffer>, around: PartlyRead | null = null) {
    this.byteLength = byteLength
    this.#read = read
    this.#around = around
  }

  /** The same file with parts of its own, for one reader. */
  within(): PartlyRead {
    return new PartlyRead(this.byteLength, (start, end) => this.slice(start, end), this)
  }

  #holds(start: number, end: number): boolean {
    const isOwn = this.#parts.some((part) => part.start <= start && part.end >= end)
    return isOwn || (this.#around !== null && this.#around.#holds(start, end))
  }

  /** Reads parts, those that are not held already. */
  async keep(places: readonly (readonly [number, number])[]): Promise<void> {
    const wanted = places.filter(([start, end]) => !this.#holds(start, end))
    const read = await Promise.all(wanted.map(async ([start, end]) => ({ start, end, bytes: await this.#read(start, end) })))
    this.#parts.push(...read)
  }

  forget(): void {
    for (const { bytes } of this.#parts) bytes.transfer(0)
    this.#parts = []
  }

  /** A copy of what is held, or what is read now. */
  async slice(start: number, end = this.byteLength): Promise<ArrayBuffer> {
    const part = this.#parts.find((one) => one.start <= start && one.end >= end)
    return part === undefined ? this.#read(start, end) : part.bytes.slice(start - part.start, end - part.start)
  }
}

/** Where the schema goes on behind the element at `at` and all that is inside it. */
function subtreeEnd(schema: FileMetaData['schema'], at: number): number {
  let end = at + 1
  for (let left = schema[at].num_children ?? 0; left > 0; left--) end = subtreeEnd(schema, end)
  return end
}

function integerOf(value: unknown): bigint | null {
  return typeof value === 'bigint' ? value : Number.isSafeInteger(value) ? BigInt(value as number) : null
}

/** The bytes as a buffer of their own, without a copy where they are all of theirs. */
function exactBuffer(bytes: Uint8Array): ArrayBuffer {
  if (bytes.length === bytes.buffer.byteLength) return bytes.buffer as ArrayBuffer
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer
}
