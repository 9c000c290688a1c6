import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { canonicalBytes, toRows } from './canonical.ts'
import type { CanonicalRow, Column } from './canonical.ts'
import { engineGap } from './engine-gaps.ts'
import { predicateMatrix } from './predicates.ts'
import { addSegment, documentOf, runOnce, sqliteOnFiles } from './program.ts'
import type { Place, SomeRecord } from './program.ts'
import { type Engine, readFiles, readTable, wrongAnswers } from './readers.ts'

const engines: Engine[] = ['pyiceberg', 'duckdb', 'pyarrow']

/** A segment of its own, which a commit of its own puts into a file of its own. */
interface Part {
  readonly topic: string
  readonly partition: number
  readonly baseOffset: bigint
  readonly records: readonly SomeRecord[]
}

const at = (ms: number) => ({ timestampMs: BigInt(ms) })
const bytes = (...values: number[]) => Uint8Array.from(values)
const ff = (length: number) => new Uint8Array(length).fill(0xff)
const year9999 = Date.UTC(9999, 11, 31, 23, 59, 59, 999)

const binaryParts: Part[] = [
  {
    topic: 'p-a',
    partition: 0,
    baseOffset: 0n,
    records: [
      { key: bytes(), value: bytes(), ...at(0) },
      { key: bytes(0), value: bytes(0, 0), ...at(1) },
      { key: bytes(0x7f, 0x80), value: Buffer.from('plain'), ...at(1_000), headers: [{ key: 'h', value: null }] },
    ],
  },
  {
    topic: 'p-a',
    partition: 0,
    baseOffset: 3n,
    records: [
      { key: null, value: null, ...at(-1) },
      { key: null, value: null, ...at(-1) },
    ],
  },
  {
    topic: 'p-a',
    partition: 7,
    baseOffset: 9_007_199_254_740_993n,
    records: [
      { key: ff(15), value: ff(16), ...at(year9999) },
      { key: ff(16), value: ff(17), ...at(year9999) },
    ],
  },
  {
    topic: `p-${'z'.repeat(14)}`,
    partition: 2_147_483_647,
    baseOffset: 9_223_372_036_854_775_800n,
    records: [
      { key: bytes(...ff(15), 0xfe, 0x01), value: bytes(0x01, ...ff(16)), ...at(1_740_787_200_000) },
      { key: bytes(...Array<number>(16).fill(0), 1), value: bytes(0x80, ...Array<number>(15).fill(0xff), 0x00), ...at(1_740_787_200_001) },
    ],
  },
  {
    topic: `p-${'z'.repeat(15)}`,
    partition: 1,
    baseOffset: 5n,
    records: [
      { key: Buffer.from('sixteen bytes ok'), value: Buffer.from('sixteen bytes ok!'), ...at(1_740_787_200_000) },
      { key: null, value: Buffer.from('value beside a null key'), ...at(-1) },
    ],
  },
  {
    topic: `p-${'z'.repeat(247)}`,
    partition: 1,
    baseOffset: 0n,
    records: [
      {
        key: ff(40),
        value: ff(40),
        headers: [
          { key: 'x', value: ff(3) },
          { key: 'x', value: null },
        ],
      },
      { key: bytes(0xfe), value: null },
    ],
  },
]

const points = (...values: number[]) => String.fromCodePoint(...values)
const texts = (...pairs: readonly (readonly [string | null, string | null])[]): SomeRecord[] =>
  pairs.map(([key, value]) => ({ key: key === null ? null : Buffer.from(key), value: value === null ? null : Buffer.from(value) }))

const stringParts: Part[] = [
  { topic: 's-a', partition: 0, baseOffset: 0n, records: texts(['', ''], ['a', 'exactly sixteen.'], ['b', 'exactly sixteen. And more']) },
  { topic: 's-a', partition: 0, baseOffset: 3n, records: texts([null, null], [null, null]) },
  {
    topic: 's-a',
    partition: 0,
    baseOffset: 5n,
    // The 16th code point is the last before the surrogates: its successor is the first after them.
    records: texts([`${'k'.repeat(15)}${points(0xd7ff)}tail`, `${'v'.repeat(15)}${points(0xd7ff)}${points(0xd7ff)}`], ['k', null]),
  },
  {
    topic: 's-a',
    partition: 1,
    baseOffset: 0n,
    // Nothing follows the last code point: the one before it is incremented, or there is no bound.
    records: texts(
      [points(...Array<number>(17).fill(0x10ffff)), `v${points(...Array<number>(16).fill(0x10ffff))}`],
      [points(...Array<number>(16).fill(0x10ffff)), points(0x10ffff)],
    ),
  },
  {
    topic: 's-a',
    partition: 1,
    baseOffset: 2n,
    // In UTF-16 the code point beyond the basic plane sorts before U+E000 and U+FFFD, in UTF-8 after them.
    records: texts([points(0xe000), points(0xfffd)], [points(0x10000), points(0x1f600)], [points(0xe000, 0x1f600), points(0xffff)]),
  },
  {
    topic: 's-a',
    partition: 2,
    baseOffset: 0n,
    // A successor of more bytes than what it follows.
    records: texts(
      [`${'é'.repeat(15)}${points(0x7f)}end`, `${'ü'.repeat(15)}${points(0x7ff)}end`],
      [`${points(0x1f600).repeat(16)}!`, `${'x'.repeat(15)}${points(0xffff)}!`],
    ),
  },
]

function columnsOf(keyType: string): Column[] {
  return [
    { name: 'kafka_topic', type: 'string' },
    { name: 'kafka_partition', type: 'int' },
    { name: 'kafka_offset', type: 'long' },
    { name: 'kafka_timestamp', type: 'timestamptz' },
    { name: 'kafka_key', type: keyType },
    { name: 'kafka_headers', type: 'list' },
    { name: 'value', type: keyType },
  ]
}

function rowsOf({ topic, partition, baseOffset, records }: Part, format: 'binary' | 'string'): CanonicalRow[] {
  const read = (value: Uint8Array | null | undefined) =>
    value === null || value === undefined ? null : format === 'string' ? Buffer.from(value).toString('utf8') : canonicalBytes(value)
  return records.map(({ timestampMs = 1_767_225_600_000n, key, value, headers = [] }, i) => ({
    kafka_topic: topic,
    kafka_partition: String(partition),
    kafka_offset: String(baseOffset + BigInt(i)),
    kafka_timestamp: timestampMs === -1n ? null : String(timestampMs * 1000n),
    kafka_key: read(key),
    kafka_headers: headers.map((header) => ({ key: header.key, value: header.value === null ? null : canonicalBytes(header.value) })),
    value: read(value),
  }))
}

describe.each([
  { format: 'binary', parts: binaryParts },
  { format: 'string', parts: stringParts },
] as const)('a table of $format keys and values with a file for each commit', ({ format, parts }) => {
  const columns = columnsOf(format)
  const files = parts.map((part) => rowsOf(part, format))
  const rows = files.flat()
  const matrix = predicateMatrix(files, columns, ['kafka_topic', 'kafka_partition', 'kafka_offset'])
  let directory: string
  let place: Place

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'predicates-'))
    place = sqliteOnFiles(directory)
    const document = documentOf({
      place,
      source: { directory: join(directory, 'bucket') },
      database: 'nasty',
      mappings: [{ topic: '[ps]-*', table: 'bounds', key: { format }, value: { format } }],
    })
    for (const part of parts) {
      await addSegment(join(directory, 'bucket'), part, part.baseOffset, part.records)
      const run = await runOnce(document)
      expect(run.errors).toBe('')
      expect(run.ok).toBe(true)
    }
  })
  afterAll(() => rm(directory, { recursive: true, force: true }))

  test('has the files that the test is about', async () => {
    const read = await readFiles(place.reader, ['nasty', 'bounds'])
    expect(new Set(read.map((file) => toRows(file.rows).join('\n')))).toEqual(new Set(files.map((written) => toRows(written).join('\n'))))
  })

  test.each(engines)('is read whole by %s', async (engine) => {
    expect(await readTable(engine, place.reader, ['nasty', 'bounds'])).toEqual(toRows(rows))
  })

  test.each(engines)('gives %s the right answer to every predicate at each file’s bounds, and to min, max and count', async (engine) => {
    expect(matrix.filter((query) => !engineGap(engine, columns, query)).length).toBeGreaterThan(300)
    expect(await wrongAnswers(engine, place.reader, ['nasty', 'bounds'], rows, columns, matrix)).toEqual([])
  })
})
