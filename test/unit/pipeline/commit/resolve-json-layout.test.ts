import { describe, expect, test } from 'vitest'
import type { IcebergType, NestedField } from '../../../../src/formats/iceberg/schema.ts'
import type { TableMetadata } from '../../../../src/formats/iceberg/table-metadata.ts'
import { newTable } from '../../../../src/pipeline/commit/new-table.ts'
import { resolveLayout } from '../../../../src/pipeline/commit/resolve-layout.ts'
import { mappingFor } from '../../../../src/spec/table-mapping.ts'
import { type DecidedValue, declaredColumns, declaredValue } from '../../../../src/spec/value-column.ts'
import { load, type Plain, smallest } from '../../spec/documents.ts'
import { tableWith } from './tables.ts'

const mapping = (settings: Plain) =>
  mappingFor(load(smallest((plain) => (plain.spec.mappings = [{ topic: 'orders', ...settings }]))), 'orders')

type Change = (fields: NestedField[]) => NestedField[]

/** A table as this program creates it, with `change` made to its columns since. */
function created(
  settings: Plain,
  change: Change = (fields) => fields,
  value: DecidedValue | null = declaredValue(mapping(settings).value),
) {
  const profile = { propertiesInCommit: true, forbiddenProperties: [] }
  const request = newTable(mapping(settings), { value: value!, properties: {}, formatVersion: 2, profile })
  const fields = change([...request.schema.fields])
  return tableWith([], { schemas: [{ ...request.schema, fields }], properties: request.properties })
}

/** A table that others created: no property of ours. */
const foreign = (settings: Plain, change?: Change) => ({ ...created(settings, change), properties: {} })

const named = (name: string, change: Partial<NestedField>) => (fields: NestedField[]) =>
  fields.map((field) => (field.name === name ? { ...field, ...change } : field))
const without = (name: string) => (fields: NestedField[]) => fields.filter((field) => field.name !== name)
const withMore =
  (...more: Omit<NestedField, 'id'>[]) =>
  (fields: NestedField[]) => [...fields, ...more.map((field, i) => ({ id: 90 + i, ...field }))]
const struct = (...names: string[]): IcebergType => ({
  type: 'struct',
  fields: names.map((name, i) => ({ id: 70 + i, name, required: false, type: 'string' })),
})

const resolved = (metadata: TableMetadata, settings: Plain) => resolveLayout('db.orders', metadata, mapping(settings))
const namesOf = (metadata: TableMetadata, settings: Plain) =>
  resolved(metadata, settings).columns.flatMap(({ role, field }) =>
    role === 'field' || role === 'rescue' ? [`${role} ${field.name}`] : [],
  )

const kafkaColumns = { timestamp: null, key: null, headers: null }
const columns = [
  { name: 'id', type: 'long', required: true },
  { name: 'city', type: 'string', path: '$.address.city' },
  { name: 'opens', type: 'time', unit: 's' },
  { name: 'box', type: "struct<w 'Width': string, h: string>" },
]
const json = { kafkaColumns, value: { columns } }
const auto = { kafkaColumns }

describe('a table with columns of the value is continued', () => {
  test('with the shapes of its columns, in its own order', () => {
    const { columns: filled, ...layout } = resolved(created(json), json)
    expect(filled.map(({ role, field }) => `${role} ${field.name}`)).toEqual([
      'topic kafka_topic',
      'partition kafka_partition',
      'offset kafka_offset',
      'field id',
      'field city',
      'field opens',
      'field box',
      'rescue _rescued',
    ])
    expect(layout).toEqual({
      keyFormat: 'binary',
      valueFormat: 'json',
      missing: [],
      record: {
        columns: [
          { path: ['id'], shape: { kind: 'long' }, required: true },
          { path: ['address', 'city'], shape: { kind: 'string' }, required: false },
          { path: ['opens'], shape: { kind: 'time', unit: 's', form: null }, required: false },
          {
            path: ['box'],
            shape: {
              kind: 'struct',
              fields: [
                { key: 'Width', shape: { kind: 'string' } },
                { key: 'h', shape: { kind: 'string' } },
              ],
            },
            required: false,
          },
        ],
      },
    })
    const reversed = resolved(
      created(json, (fields) => fields.toReversed()),
      json,
    )
    expect(reversed.columns.map(({ role }) => role)).toEqual(['rescue', 'field', 'field', 'field', 'field', 'offset', 'partition', 'topic'])
    expect(reversed.record).toEqual({ columns: layout.record!.columns.toReversed() })
  })

  test.each([
    ['the same columns', json],
    ['the format json', { kafkaColumns, value: { format: 'json' } }],
    ['nothing', auto],
    ['the same columns in another order', { kafkaColumns, value: { format: 'json', columns: columns.toReversed() } }],
  ])('by a document that says %s', (_what, settings) => {
    expect(resolved(created(json), settings)).toEqual(resolved(created(json), json))
  })

  test('in the form that was chosen, of which a document says nothing', () => {
    const declared = [{ name: 'at', type: 'timestamptz' }]
    const settings = { value: { columns: declared } }
    const form = { separator: 'T', fraction: 3, zone: '+02:00' } as const
    const chosen = declaredColumns(mapping(settings).value)!.map((column) => ({ ...column, form }))
    const metadata = created(settings, undefined, { format: 'json', columns: chosen })
    for (const document of [settings, {}]) {
      expect(resolved(metadata, document).record!.columns[0].shape).toEqual({ kind: 'timestamptz', unit: 'iso8601', form })
    }
  })

  test('whose column was widened, whether the document follows or not', () => {
    const narrow = { value: { columns: [{ name: 'n', type: 'int' }] } }
    const wide = { value: { columns: [{ name: 'n', type: 'long' }] } }
    const metadata = created(narrow, named('n', { type: 'long' }))
    for (const settings of [narrow, wide, {}]) expect(resolved(metadata, settings).record!.columns[0].shape).toEqual({ kind: 'long' })
  })

  test('whose column may be null by now: the document says whether a value must be there', () => {
    const metadata = created(json, named('id', { required: false }))
    const optional = { kafkaColumns, value: { columns: [{ name: 'id', type: 'long' }, ...columns.slice(1)] } }
    const requiredBy = (settings: Plain) => resolved(metadata, settings).record!.columns[0].required
    expect([requiredBy(json), requiredBy(optional), requiredBy(auto)]).toEqual([true, false, false])
  })

  test('whose column must not be null by now', () => {
    expect(resolved(created(json, named('opens', { required: true })), json).record!.columns[2].required).toBe(true)
  })

  test('that lost columns and fields, which are named, and that got others', () => {
    const change: Change = (fields) =>
      withMore({ name: 'note', required: false, type: 'string' })(named('box', { type: struct('h', 'd') })(without('city')(fields)))
    const { columns: filled, missing, record } = resolved(created(json, change), json)
    expect(missing.toSorted()).toEqual(['box.w', 'city'])
    expect(record!.columns.map(({ path }) => path)).toEqual([['id'], ['opens'], ['box']])
    expect(record!.columns[2].shape).toEqual({ kind: 'struct', fields: [{ key: 'h', shape: { kind: 'string' } }] })
    expect(filled.find(({ field }) => field.name === 'box')!.field.type).toEqual(struct('h'))
    expect(filled.some(({ field }) => field.name === 'note')).toBe(false)
  })

  test('that lost all that a column’s values could fill', () => {
    const { missing, record, columns: filled } = resolved(created(json, named('box', { type: struct('d') })), json)
    expect(missing).toEqual(['box.w', 'box.h'])
    expect(record!.columns).toHaveLength(3)
    expect(filled.some(({ field }) => field.name === 'box')).toBe(false)
  })

  test('that lost a column which the document no longer declares', () => {
    const settings = { kafkaColumns, value: { columns: columns.slice(1) } }
    expect(resolved(created(json, without('id')), settings).missing).toEqual(['id'])
  })

  test('of which a sample told no columns', () => {
    const metadata = created({ value: { format: 'json' } }, undefined, { format: 'json', columns: [] })
    expect(resolved(metadata, {}).record).toEqual({ columns: [] })
  })
})

describe('a table that others created is continued', () => {
  test('with the columns that the document declares, and the types that it has', () => {
    const metadata = foreign(json, withMore({ name: 'note', required: false, type: 'string' }))
    expect(resolved(metadata, json)).toEqual(resolved(created(json), json))
    const narrow = { kafkaColumns, value: { columns: [{ name: 'id', type: 'int' }] } }
    expect(resolved(metadata, narrow).record!.columns).toEqual([{ path: ['id'], shape: { kind: 'long' }, required: true }])
  })

  test.each([
    ['the format json', { kafkaColumns, value: { format: 'json' } }],
    ['nothing, and there is a rescue column', auto],
  ])('with the columns that it has, where the document says %s', (_what, settings) => {
    const change = withMore({ name: 'raw', required: false, type: 'fixed[4]' }, { name: 'at', required: false, type: 'timestamptz' })
    const { record } = resolved(foreign(json, change), settings)
    expect(record!.columns).toEqual([
      { path: ['id'], shape: { kind: 'long' }, required: true },
      { path: ['city'], shape: { kind: 'string' }, required: false },
      { path: ['opens'], shape: { kind: 'time', unit: 'iso8601', form: null }, required: false },
      {
        path: ['box'],
        shape: {
          kind: 'struct',
          fields: [
            { key: 'w', shape: { kind: 'string' } },
            { key: 'h', shape: { kind: 'string' } },
          ],
        },
        required: false,
      },
      { path: ['at'], shape: { kind: 'timestamptz', unit: 'iso8601', form: null }, required: false },
    ])
  })

  test('with values kept whole, where it has a column for them and the document says nothing', () => {
    const settings = { kafkaColumns, value: { columns: columns.slice(1) } }
    const metadata = foreign(settings, withMore({ name: 'value', required: false, type: 'string' }))
    expect(resolved(metadata, auto)).toMatchObject({ valueFormat: 'string', record: null, missing: [] })
    expect(namesOf(metadata, { kafkaColumns, value: { format: 'json' } })).toContain('field value')
  })
})

const changed = (column: Plain) => ({ kafkaColumns, value: { columns: [column, ...columns.slice(1)] } })
const back = "; change the document's value.columns back, or name another table"
const both = (chosen: string, wanted: string) => `${chosen} was chosen when the table was created, and the document says ${wanted}`

const refusals: [what: string, metadata: TableMetadata, settings: Plain, reason: string][] = [
  [
    'no rescue column',
    created(json, without('_rescued')),
    json,
    'it has no column _rescued, which keeps what the other columns can not hold; add a string column _rescued',
  ],
  [
    'no rescue column, though others created it',
    foreign(json, without('_rescued')),
    { kafkaColumns, value: { format: 'json' } },
    'it has no column _rescued, which keeps what the other columns can not hold; add a string column _rescued',
  ],
  [
    'a rescue column of another type',
    created(json, named('_rescued', { type: 'binary' })),
    json,
    'column _rescued is binary, and the rescue column needs string',
  ],
  [
    'a required rescue column',
    created(json, named('_rescued', { required: true })),
    json,
    'column _rescued is required, and a rescue column can be null; make it optional',
  ],
  [
    'another name of the rescue column',
    created(json),
    { ...json, rescueColumn: 'rest' },
    `rescue column: ${both('_rescued', 'rest')}; change the document's rescueColumn back, or name another table`,
  ],
  [
    'values that were kept whole',
    created({ kafkaColumns, value: { format: 'binary' } }),
    json,
    'it keeps the value as binary, and the document declares value.columns; change the document back, or name another table',
  ],
  [
    'the format json of values that were kept whole',
    created({ kafkaColumns, value: { format: 'binary' } }),
    { kafkaColumns, value: { format: 'json' } },
    'it keeps the value as binary, and the document says value.format: json; change the document back, or name another table',
  ],
  [
    'values kept whole that became columns',
    created(json),
    { kafkaColumns, value: { format: 'binary' } },
    'it keeps the value as json, and the document says value.format: binary; change the document back, or name another table',
  ],
  [
    'another type',
    created(json),
    changed({ name: 'id', type: 'string', required: true }),
    `type of column id: ${both('long', 'string')}${back}`,
  ],
  [
    'another place',
    created(json),
    changed({ name: 'id', type: 'long', required: true, path: '$.key.id' }),
    `path of column id: ${both("$['id']", "$['key']['id']")}${back}`,
  ],
  [
    'another unit',
    created(json),
    { kafkaColumns, value: { columns: columns.map((column) => (column.name === 'opens' ? { ...column, unit: 'ms' } : column)) } },
    `unit of column opens: ${both('s', 'ms')}${back}`,
  ],
  [
    'a value that need not be there',
    created(json),
    changed({ name: 'id', type: 'long' }),
    `required of column id: ${both('true', 'false')}${back}`,
  ],
  ['another name', created(json), changed({ name: 'key', type: 'long', required: true }), `column key: ${both('none', 'long')}${back}`],
  ['a column less', created(json), { kafkaColumns, value: { columns: columns.slice(1) } }, `column id: ${both('long', 'none')}${back}`],
  [
    'a column whose values it can not take',
    created(json, named('city', { type: 'int' })),
    json,
    'column city is int, and its values are string; give it that type, or name another table',
  ],
  [
    'a declared column that others did not create',
    foreign(json, without('city')),
    json,
    "it has no column city; add it, or leave it out of the document's value.columns",
  ],
  [
    'a declared field that others did not create',
    foreign(json, named('box', { type: struct('d', 'h') })),
    json,
    "it has no column box.w; add it, or leave it out of the document's value.columns",
  ],
  [
    'a declared column that is narrower in the table of others',
    foreign(json, named('id', { type: 'int' })),
    json,
    'column id is int, and its values are long; give it that type, or name another table',
  ],
  [
    'a required column that no value can fill',
    foreign(json, withMore({ name: 'raw', required: true, type: 'fixed[4]' })),
    auto,
    'column raw is required and nothing fills it; make it optional',
  ],
  [
    'a required column that lost all its fields',
    created(json, named('box', { required: true, type: struct('d') })),
    auto,
    'column box is required and nothing fills it; make it optional',
  ],
]

test.each(refusals)('a table is refused for %s, and the message says what to change', (_what, metadata, settings, reason) => {
  expect(() => resolved(metadata, settings)).toThrow(
    expect.objectContaining({ name: 'WorkError', retry: 'never', message: `table db.orders can not be continued: ${reason}` }) as Error,
  )
})
