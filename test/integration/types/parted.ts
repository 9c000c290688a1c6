import { join } from 'node:path'
import type { ProcessorDocument } from '../../../src/spec/document.ts'
import { idempotencyKey } from '../../conformance/catalog.ts'
import { type Canonical, type CanonicalRow, type Column, textOf } from '../canonical.ts'
import { currentSchema, defaultSpec } from '../../../src/formats/iceberg/table-metadata.ts'
import { addSegment, documentOf, type Place, runOnce, withCatalog } from '../program.ts'
import { type Kind, kinds, type Value } from './values.ts'

/** A column that a table is partitioned by, or that holds the field that it is partitioned by. */
export interface PartedColumn extends Column {
  /** What stands in `partitionBy`. */
  readonly term: string
  /** As a document declares it. */
  readonly declared: string
  /** The column's name, without the field's. */
  readonly column: string
  readonly values: readonly Value[]
}

const absent: Value = { json: undefined, canonical: null }

function plain(prefix: string, kind: Kind, term: (source: string) => string): PartedColumn {
  const name = `${prefix}_${kind.name}`
  const values = [absent, ...kind.ordinary, ...kind.edges]
  return { name, column: name, type: kind.iceberg, declared: kind.type, term: term(name), values }
}

/** A field of a struct, which may be null itself. */
function within(prefix: string, kind: Kind, term: (source: string) => string): PartedColumn {
  const column = `${prefix}_in_${kind.name}`
  const wrap = ({ json, canonical }: Value): Value => ({ json: json === undefined ? '{}' : `{"v":${json}}`, canonical: { v: canonical } })
  const values = [absent, ...[absent, ...kind.ordinary, ...kind.edges].map(wrap)]
  return { name: `${column}.v`, column, type: kind.iceberg, declared: `struct<v: ${kind.type}>`, term: term(`${column}.v`), values }
}

const untimed = kinds.filter(({ type }) => type !== 'time')
const timed = kinds.filter(({ type }) => type === 'time')
const isFloat = /^(?:float|double)$/
const of = (types: RegExp) => untimed.filter(({ type }) => types.test(type))

const itself = (source: string) => source
const bucket = (source: string) => `bucket(3, ${source})`
const cut =
  ({ type }: Kind) =>
  (source: string) =>
    `truncate(${/^(?:string|binary)$/.test(type) ? 2 : 10}, ${source})`
const voided = (source: string) => `void(${source})`
/** Those that a multiple of a width lies below which has as many digits. */
const cutToFit = (column: PartedColumn): PartedColumn => ({
  ...column,
  values: column.values.filter(({ canonical }) => canonical === null || !textOf(canonical).startsWith('-99')),
})

/**
 * Each transform of each type that it takes, at the top and within a struct. What not every engine loads stands apart: tables with a `time`, and
 * with a decimal that `truncate` takes below the least of its digits; and those with floats, to which another engine adds. No document can ask
 * for `void`, which is what other writers make of a field that is dropped: here it comes to a table between its two segments.
 */
export const partedTables = {
  identity: [
    ...untimed.filter(({ type }) => !isFloat.test(type)).map((kind) => plain('i', kind, itself)),
    ...of(/^(?:int|string|timestamptz)$/).map((kind) => within('i', kind, itself)),
  ],
  floats: of(isFloat).map((kind) => plain('i', kind, itself)),
  bucket: [
    ...untimed.filter(({ type }) => !/^(?:boolean|float|double)$/.test(type)).map((kind) => plain('b', kind, bucket)),
    ...of(/^(?:long|uuid)$/).map((kind) => within('b', kind, bucket)),
  ],
  truncate: [
    ...of(/^(?:int|long|string|binary)$/).map((kind) => plain('t', kind, cut(kind))),
    ...of(/^string$/).map((kind) => within('t', kind, cut(kind))),
  ],
  decimals: of(/^decimal/).map((kind) => cutToFit(plain('t', kind, cut(kind)))),
  overflow: of(/^decimal\(9/).map((kind) => plain('t', kind, cut(kind))),
  calendar: [
    ...['year', 'month', 'day', 'hour'].flatMap((unit) => {
      const units = of(unit === 'hour' ? /^timestamp/ : /^(?:date|timestamp)/)
      return units.map((kind) => plain(unit, kind, (source) => `${unit}(${source})`))
    }),
    ...of(/^timestamptz$/).map((kind) => within('day', kind, (source) => `day(${source})`)),
  ],
  voided: [...of(/^date$/).map((kind) => plain('i', kind, itself)), ...of(/^(?:long|string)$/).map((kind) => plain('v', kind, voided))],
  timed: [...timed.map((kind) => plain('i', kind, itself)), ...timed.map((kind) => plain('b', kind, bucket))],
} satisfies Record<string, readonly PartedColumn[]>

export type PartedTable = keyof typeof partedTables
export const partedNames = Object.keys(partedTables) as readonly PartedTable[]

/** Rows that Spark adds to a table, as they are read: no document can say NaN, and PyIceberg writes none into a partition. */
export function strangers(table: PartedTable): CanonicalRow[] {
  if (table !== 'floats') return []
  return [-2, -1].map((offset) => ({ kafka_offset: String(offset), i_float: 'NaN', i_double: 'NaN' }))
}

/** The statements by which Spark adds them, each by itself, to a table of this name. */
export function strangerStatements(table: PartedTable, name: string): string[] {
  return strangers(table).map(
    ({ kafka_offset: offset }) =>
      `INSERT INTO ${name} VALUES ('by-hand', -1, ${textOf(offset)}, NULL, NULL, NULL, float('NaN'), double('NaN'), NULL)`,
  )
}

/** The records of a table, those of each of its two segments: the same values twice, then a document of nothing, and a tombstone. */
function segmentsOf(table: PartedTable): { document: string | null; row: CanonicalRow }[][] {
  const columns: readonly PartedColumn[] = partedTables[table]
  const count = Math.max(...columns.map(({ values }) => values.length))
  const record = (offset: number, valueOf: (column: PartedColumn) => Value, document?: null) => {
    const members = columns.map((column) => [column.column, valueOf(column)] as const)
    const given = members.filter(([, { json }]) => json !== undefined).map(([name, { json }]) => `"${name}":${json}`)
    const row: Record<string, Canonical> = { kafka_offset: String(offset) }
    for (const [name, { canonical }] of members) row[name] = canonical
    return { document: document === undefined ? `{${given.join(',')}}` : document, row }
  }
  return [0, 1].map((segment) => {
    const base = segment * (count + 1)
    const rows = Array.from({ length: count }, (_, i) => record(base + i, ({ values }) => values[i % values.length]))
    return [...rows, segment === 0 ? record(base + count, () => absent) : record(base + count, () => absent, null)]
  })
}

/** The rows that a table should have, without those of strangers. */
export function partedRows(table: PartedTable): CanonicalRow[] {
  return segmentsOf(table).flatMap((rows) => rows.map(({ row }) => row))
}

/** The columns that are read, and those that predicates are about. */
export const selected = (table: PartedTable) => ['kafka_offset', ...partedTables[table].map(({ column }) => column)]

/** Writes the tables by two runs, from segments in `directory`. Throws where a run fails. */
export async function writePartedTables(place: Place, directory: string, database: string, tables: object): Promise<ProcessorDocument> {
  const source = join(directory, database)
  const document = documentOf({
    place,
    source: { directory: source },
    database,
    tables,
    mappings: partedNames.map((topic) => ({
      topic,
      partitionBy: partedTables[topic].map(({ term }) => term).filter((term) => !term.startsWith('void(')),
      value: { format: 'json', columns: partedTables[topic].map(({ column, declared }) => ({ name: column, type: declared })) },
    })),
  })
  for (const segment of [0, 1]) {
    for (const topic of partedNames) {
      const rows = segmentsOf(topic)[segment]
      const records = rows.map((row) => ({ value: row.document === null ? null : Buffer.from(row.document) }))
      await addSegment(source, { topic, partition: 0 }, BigInt(textOf(rows[0].row.kafka_offset)), records)
    }
    const { ok, errors } = await runOnce(document)
    if (!ok || errors !== '') throw new Error(`the run for segment ${segment} failed: ${errors}`)
    if (segment === 0) await addVoidFields(document, database)
  }
  return document
}

async function addVoidFields(document: ProcessorDocument, database: string): Promise<void> {
  await withCatalog(document, async (catalog) => {
    const table = { namespace: [database], name: 'voided' }
    const { metadata } = (await catalog.loadTable(table))!
    const sources = currentSchema(metadata).fields.filter(({ name }) => name.startsWith('v_'))
    const fields = sources.map(({ id, name }, i) => ({ 'source-id': id, 'field-id': 1100 + i, name: `${name}_void`, transform: 'void' }))
    const spec = { 'spec-id': 1, fields: [...defaultSpec(metadata).fields, ...fields] }
    const { kind } = await catalog.commitTable(table, {
      requirements: [{ type: 'assert-table-uuid', uuid: metadata['table-uuid'] }],
      updates: [
        { action: 'add-spec', spec },
        { action: 'set-default-spec', 'spec-id': -1 },
      ],
      idempotencyKey: idempotencyKey(),
    })
    if (kind !== 'committed') throw new Error(`the void fields were not added: ${kind}`)
  })
}
