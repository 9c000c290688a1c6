import type { DataFile, SingleValue } from '../../formats/iceberg/data-file.ts'
import type { Reader } from './reader.ts'

/** A data file's manifest entry in JSON: maps as lists of pairs, int64 as digits, bounds in base64. */
export function encodeDataFile(file: DataFile): object {
  return {
    ...file,
    partition: file.partition.map(encodeValue),
    recordCount: String(file.recordCount),
    fileSizeInBytes: String(file.fileSizeInBytes),
    columnSizes: pairs(file.columnSizes, String),
    valueCounts: pairs(file.valueCounts, String),
    nullValueCounts: pairs(file.nullValueCounts, String),
    nanValueCounts: pairs(file.nanValueCounts, String),
    lowerBounds: pairs(file.lowerBounds, base64),
    upperBounds: pairs(file.upperBounds, base64),
    keyMetadata: file.keyMetadata && base64(file.keyMetadata),
    splitOffsets: file.splitOffsets?.map(String),
    firstRowId: file.firstRowId?.toString(),
    contentOffset: file.contentOffset?.toString(),
    contentSizeInBytes: file.contentSizeInBytes?.toString(),
  }
}

export function readDataFile(file: Reader): DataFile {
  const whole = (name: string) => file.field(name).optional((value) => value.bigint())
  const counts = (name: string) => file.field(name).optional((map) => readPairs(map, (value) => value.bigint()))
  const bounds = (name: string) => file.field(name).optional((map) => readPairs(map, (value) => value.bytes()))
  return present({
    content: file.field('content').oneOf([0, 1, 2]),
    filePath: file.field('filePath').text(),
    fileFormat: file.field('fileFormat').oneOf(['PARQUET', 'AVRO', 'ORC', 'PUFFIN']),
    partition: file.field('partition').list(readValue),
    recordCount: file.field('recordCount').bigint(),
    fileSizeInBytes: file.field('fileSizeInBytes').bigint(),
    columnSizes: counts('columnSizes'),
    valueCounts: counts('valueCounts'),
    nullValueCounts: counts('nullValueCounts'),
    nanValueCounts: counts('nanValueCounts'),
    lowerBounds: bounds('lowerBounds'),
    upperBounds: bounds('upperBounds'),
    keyMetadata: file.field('keyMetadata').optional((value) => value.bytes()),
    splitOffsets: file.field('splitOffsets').optional((list) => list.list((value) => value.bigint())),
    equalityIds: file.field('equalityIds').optional((list) => list.list((value) => value.number())),
    sortOrderId: file.field('sortOrderId').optional((value) => value.number()),
    firstRowId: whole('firstRowId'),
    referencedDataFile: file.field('referencedDataFile').optional((value) => value.text()),
    contentOffset: whole('contentOffset'),
    contentSizeInBytes: whole('contentSizeInBytes'),
  })
}

/** Without the keys that have no value: an absent field and one that is undefined are the same, and equal values look the same. */
function present<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as T
}

function pairs<V>(map: ReadonlyMap<number, V> | undefined, encode: (value: V) => string): unknown {
  return map && [...map].map(([id, value]) => [id, encode(value)])
}

function readPairs<V>(map: Reader, read: (value: Reader) => V): ReadonlyMap<number, V> {
  return new Map(map.list((pair) => [pair.at(0).number(), read(pair.at(1))]))
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}

/** A value with its kind: JSON has no int64, no bytes and not every double. */
function encodeValue(value: SingleValue): unknown {
  if (typeof value === 'bigint') return { long: String(value) }
  if (typeof value === 'number') return { number: Object.is(value, -0) ? '-0' : String(value) }
  return value instanceof Uint8Array ? { bytes: base64(value) } : { plain: value }
}

function readValue(value: Reader): SingleValue {
  const [[kind]] = value.entries((item) => item)
  if (kind === 'long') return value.field('long').bigint()
  if (kind === 'number') return Number(value.field('number').text())
  return kind === 'bytes' ? value.field('bytes').bytes() : (value.field('plain').raw() as SingleValue)
}
