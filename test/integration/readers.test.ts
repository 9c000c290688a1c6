import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { canonicalBytes, canonicalNumber, canonicalTimestamp, toRows } from './canonical.ts'
import type { Canonical, CanonicalRow, Column } from './canonical.ts'
import { expectedAnswer, predicateMatrix } from './predicates.ts'
import { engineGap } from './engine-gaps.ts'
import { readFiles, readTable, tryQueries, writeTable, wrongAnswers } from './readers.ts'
import type { Engine, ReaderCatalog, TableName } from './readers.ts'

const engines: Engine[] = ['pyiceberg', 'duckdb', 'pyarrow']

const struct = {
  type: 'struct',
  fields: [
    { id: 101, name: 'key', required: true, type: 'string' },
    { id: 102, name: 'value', required: false, type: 'binary' },
  ],
}
const types: Record<string, string | object> = {
  flag: 'boolean',
  small: 'int',
  large: 'long',
  single: 'float',
  real: 'double',
  price: 'decimal(9, 2)',
  wide: 'decimal(38, 10)',
  day: 'date',
  clock: 'time',
  local: 'timestamp',
  instant: 'timestamptz',
  text: 'string',
  ident: 'uuid',
  four: 'fixed[4]',
  bytes: 'binary',
  tags: { type: 'list', 'element-id': 103, element: 'string', 'element-required': false },
  counts: { type: 'map', 'key-id': 104, key: 'string', 'value-id': 105, value: 'long', 'value-required': false },
  headers: { type: 'list', 'element-id': 106, element: struct, 'element-required': false },
  pair: { ...struct, fields: struct.fields.map((field) => ({ ...field, id: field.id + 10, required: false })) },
}
const columns: Column[] = [
  { name: 'id', type: 'long' },
  ...Object.entries(types).map(([name, type]) => ({ name, type: typeof type === 'string' ? type : (type as { type: string }).type })),
]
const schema = {
  type: 'struct',
  'schema-id': 0,
  fields: [
    { id: 1, name: 'id', required: true, type: 'long' },
    ...Object.entries(types).map(([name, type], index) => ({ id: index + 2, name, required: false, type })),
  ],
}
// PyIceberg writes a null list of structs as an empty one, so `headers` is never null here.
const nulls = { ...Object.fromEntries(Object.keys(types).map((name) => [name, null])), headers: [] }

let ids = 0n
function row(values: Record<string, Canonical>): CanonicalRow {
  return { id: String(2n ** 53n + ids++), ...nulls, ...values }
}

const bytes = (...values: number[]) => canonicalBytes(Uint8Array.from(values))

// Three data files: ordinary values with gaps between the files, the edges of each type, and nothing but nulls and NaN.
const files: CanonicalRow[][] = [
  [
    row({
      flag: false,
      small: '-5',
      large: '9007199254740993',
      single: canonicalNumber(1.5),
      real: canonicalNumber(-0),
      price: '-0.05',
      wide: '-1.0000000001',
    }),
    row({
      day: '-1',
      clock: '0',
      local: canonicalTimestamp('1969-12-31T23:59:59.999999Z'),
      instant: canonicalTimestamp('1969-07-20T20:17:40.000001Z'),
    }),
    row({ text: 'abcdefghijklmnop and on', ident: '00000000-0000-4000-8000-000000000001', four: bytes(0, 0, 0, 1), bytes: bytes(1, 2, 3) }),
    row({ text: '', bytes: '', tags: [], counts: [], headers: [], pair: { key: null, value: null } }),
    row({ small: '7', real: canonicalNumber(0.1), text: 'b\u0000c', instant: '0', price: '12.30', day: '0', local: '0' }),
  ],
  [
    row({
      flag: true,
      small: '2147483647',
      large: '9223372036854775807',
      single: canonicalNumber(Math.fround(0.1)),
      real: canonicalNumber(5e-324),
    }),
    row({
      small: '-2147483648',
      large: '-9223372036854775808',
      single: 'Infinity',
      real: '-Infinity',
      wide: '9999999999999999999999999999.9999999999',
    }),
    row({
      price: '9999999.99',
      day: '-719162',
      clock: '86399999999',
      local: canonicalTimestamp('0001-01-01T00:00:00Z'),
      instant: canonicalTimestamp('9999-12-31T23:59:59.999999Z'),
    }),
    row({
      text: `${'\u{1F600}'.repeat(20)}z`,
      bytes: bytes(...Array<number>(20).fill(255)),
      ident: 'ffffffff-ffff-4fff-bfff-ffffffffffff',
      four: bytes(255, 255, 255, 255),
    }),
    row({
      text: '\uFFFDafter surrogates in UTF-16, before non-BMP in UTF-8',
      bytes: bytes(255, 255),
      real: canonicalNumber(1e21),
      single: canonicalNumber(2 ** 127),
    }),
    row({
      text: 'it\'s "quoted" \\ \n line',
      tags: ['x', null, 'ünï'],
      counts: [
        ['a', '1'],
        ['b', null],
      ],
      headers: [
        { key: 'k', value: bytes(255, 0) },
        { key: 'k', value: null },
      ],
      pair: { key: 'p', value: '' },
    }),
  ],
  [row({ real: 'NaN', single: 'NaN' }), row({}), row({ real: 'NaN', single: canonicalNumber(1) })],
]
const rows = files.flat()

let directory: string
let catalogs: Record<'sql' | 'rest', ReaderCatalog>
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'readers-'))
  catalogs = {
    sql: { type: 'sql', uri: join(directory, 'catalog.db'), name: 'default', warehouse: `file://${directory}/warehouse` },
    rest: { type: 'rest', uri: inject('restCatalogUri'), s3: inject('s3') },
  }
})
afterAll(() => rm(directory, { recursive: true, force: true }))

describe.each(['sql', 'rest'] as const)('a table that PyIceberg wrote into a %s catalog', (kind) => {
  const table: TableName = [`foreign_${kind}`, 'types']
  let catalog: ReaderCatalog

  beforeAll(async () => {
    catalog = catalogs[kind]
    const appends = files.map((append) => ({ append }))
    await writeTable(catalog, table, [{ create: { schema } }, ...appends])
  })

  test.each(engines)('is read by %s as it was written', async (engine) => {
    expect(await readTable(engine, catalog, table)).toEqual(toRows(rows))
    expect(await readTable(engine, catalog, table, { unpruned: true })).toEqual(toRows(rows))
  })

  test('has the data files it was written as', async () => {
    const read = await readFiles(catalog, table)
    expect(new Set(read.map((file) => toRows(file.rows).join('\n')))).toEqual(new Set(files.map((written) => toRows(written).join('\n'))))
  })

  test.each(engines)('gives %s the expected answer to every predicate at each bound', async (engine) => {
    const matrix = predicateMatrix(files, columns, ['id'])
    expect(matrix.length).toBeGreaterThan(300)
    expect(await wrongAnswers(engine, catalog, table, rows, columns, matrix)).toEqual([])
  })

  test.each(engines)('shows the known gaps of %s still open', async (engine) => {
    const gaps = Map.groupBy(predicateMatrix(files, columns, ['id']), (query) => engineGap(engine, columns, query))
    gaps.delete(undefined)
    for (const [gap, queries] of gaps) {
      const answers = await tryQueries(engine, catalog, table, queries)
      const right = queries.every((query, index) => String(answers[index]) === String(expectedAnswer(rows, columns, query)))
      expect({ gap: gap?.says, right }).toEqual({ gap: gap?.says, right: false })
    }
    expect(gaps.size).toBe({ pyiceberg: 3, duckdb: 2, pyarrow: 0 }[engine])
  })
})

describe('among the columns id, large and text', () => {
  const some = columns.filter(({ name }) => ['id', 'large', 'text'].includes(name))
  const create = { schema: { ...schema, fields: schema.fields.filter(({ name }) => some.some((column) => column.name === name)) } }
  const data = [1, 2, 3].map((value): CanonicalRow => ({ id: String(value), large: String(value * 10), text: `t${value}` }))

  test.each(['pyiceberg', 'duckdb'] as const)(
    'a wrong bound in a manifest shows in what %s reads under predicates alone',
    async (engine) => {
      const table: TableName = ['foreign', `wrong_bounds_${engine}`]
      await writeTable(catalogs.sql, table, [{ create }, { append: data, bounds: { large: ['100', '200'], text: ['x', 'y'] } }])
      const matrix = predicateMatrix([data], some)

      expect(await readTable(engine, catalogs.sql, table)).toEqual(toRows(data))
      const wrong = await wrongAnswers(engine, catalogs.sql, table, data, some, matrix)
      const seen = (part: string) => wrong.filter((sentence) => sentence.includes(part)).length
      expect(seen('"column":"large","op":"="')).toBeGreaterThan(0)
      expect(seen('"column":"text","op":"starts with"')).toBeGreaterThan(0)
      expect(seen('"column":"id"')).toBe(0)
      expect(seen('"unpruned":true')).toBe(0)
      expect(await wrongAnswers('pyarrow', catalogs.sql, table, data, some, matrix)).toEqual([])
    },
  )

  test('a table that the foreign writer rolled back is read as it was before by every engine', async () => {
    const table: TableName = ['foreign', 'rolled_back']
    const [, first] = await writeTable(catalogs.sql, table, [{ create }, { append: data.slice(0, 1) }, { append: data.slice(1) }])
    await writeTable(catalogs.sql, table, [{ rollback: first.snapshotId ?? '' }])
    for (const engine of engines) expect(await readTable(engine, catalogs.sql, table)).toEqual(toRows(data.slice(0, 1)))
  })
})
