import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { chooseForms } from '../../../../src/pipeline/infer/choose-forms.ts'
import { inferColumns } from '../../../../src/pipeline/infer/infer-columns.ts'
import { type ColumnType, columnTypeText } from '../../../../src/spec/column-type.ts'
import type { ValueColumn } from '../../../../src/spec/value-column.ts'
import { bytesOf, infer, rescued } from './documents.ts'

/** What documents have at a place, throughout: the JSON texts of its values, and the type that this must give. */
interface Kind {
  readonly type: ColumnType
  readonly text: fc.Arbitrary<string>
}

const digits = (count: number) => fc.stringMatching(new RegExp(`^\\d{${count}}$`))
const day = fc.date({ min: new Date('0002-01-01'), max: new Date('9998-12-31'), noInvalidDate: true })
const quoted = (text: fc.Arbitrary<string>) => text.map((one) => JSON.stringify(one))
const atDay = (text: (date: string, time: string, fraction: string) => string, fractionDigits: number) =>
  quoted(
    fc
      .tuple(day, digits(fractionDigits))
      .map(([date, fraction]) => text(date.toISOString().slice(0, -14), date.toISOString().slice(-13, -5), fraction)),
  )

const zone = fc.constantFrom('Z', '+02:00', '-18:00', '+00:00', '-00:30')
const plain: fc.Arbitrary<Kind> = fc.oneof(
  fc.constant<Kind>({ type: { type: 'boolean' }, text: fc.constantFrom('true', 'false') }),
  fc.constant<Kind>({ type: { type: 'long' }, text: fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n).map(String) }),
  fc.constant<Kind>({ type: { type: 'double' }, text: fc.double({ noNaN: true, noDefaultInfinity: true }).map(decimalText) }),
  fc.constant<Kind>({
    type: { type: 'decimal', precision: 38, scale: 0 },
    text: fc.bigInt(2n ** 63n, 10n ** 38n - 1n).map(String),
  }),
  fc.constant<Kind>({ type: { type: 'string' }, text: quoted(fc.string({ unit: 'binary' }).map((text) => `_${text}`)) }),
  fc.constant<Kind>({ type: { type: 'string' }, text: quoted(fc.uuid()) }),
  fc.constant<Kind>({ type: { type: 'date' }, text: atDay((date) => date, 1) }),
  fc
    .record({ count: fc.integer({ min: 1, max: 6 }), offset: zone, separator: fc.constantFrom('T', ' ') })
    .map<Kind>(({ count, offset, separator }) => ({
      type: { type: 'timestamptz' },
      text: atDay((date, time, fraction) => `${date}${separator}${time}.${fraction}${offset}`, count),
    })),
  fc.constant<Kind>({ type: { type: 'timestamp' }, text: atDay((date, time) => `${date}T${time}`, 1) }),
  fc.constant<Kind>({ type: { type: 'timestamptz' }, text: quoted(day.map((date) => date.toISOString())) }),
)

/** As JSON.stringify writes it, always with a fraction or an exponent. */
function decimalText(value: number): string {
  const text = Object.is(value, -0) ? '-0.0' : JSON.stringify(value)
  return /[.e]/.test(text) ? text : `${text}.0`
}

const name = fc.stringMatching(/^[a-z]{1,6}$/)

const kinds = fc.letrec<{ kind: Kind }>((tie) => ({
  kind: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    plain,
    fc.tuple(tie('kind')).map(([element]): Kind => ({
      type: { type: 'list', element: element.type },
      text: fc
        .array(fc.option(element.text, { nil: 'null' }), { minLength: 1, maxLength: 4 })
        .chain((some) => element.text.map((one) => `[${[...some, one].join(',')}]`)),
    })),
    fc.uniqueArray(fc.tuple(name, tie('kind')), { selector: ([key]) => key, minLength: 1, maxLength: 4 }).map((fields): Kind => ({
      type: { type: 'struct', fields: fields.map(([key, { type }]) => ({ name: key, key, type })) },
      text: fc
        .tuple(...fields.map(([, { text }]) => text))
        .map((texts) => `{${texts.map((text, i) => `"${fields[i][0]}":${text}`).join(',')}}`),
    })),
  ),
})).kind

/** Documents in which each field has one kind throughout, and what columns they must become. Times that share a column are in one form. */
const uniform = fc
  .uniqueArray(fc.tuple(name, kinds), { selector: ([key]) => key, minLength: 1, maxLength: 5 })
  .filter((fields) => fields.every(([, { type }]) => timesIn(type) <= 1))
  .chain((fields) =>
    fc.record({
      fields: fc.constant(fields),
      documents: fc.array(
        fc
          .tuple(...fields.map(([, { text }]) => text))
          .map((texts) => `{${texts.map((text, i) => `"${fields[i][0]}": ${text}`).join(', ')}}`),
        { minLength: 1, maxLength: 12 },
      ),
    }),
  )

function timesIn(type: ColumnType): number {
  if (type.type === 'struct') return type.fields.reduce((sum, field) => sum + timesIn(field.type), 0)
  if (type.type === 'list') return timesIn(type.element)
  return type.type === 'timestamp' || type.type === 'timestamptz' ? 1 : 0
}

test('a field that has one type throughout the sample gets a column of that type, and nothing of it is rescued', () => {
  fc.assert(
    fc.property(uniform, ({ fields, documents }) => {
      const columns = infer(documents)
      expect(columns.map(({ path, type }) => [path[0], columnTypeText(type)])).toEqual(
        fields.map(([key, { type }]) => [key, columnTypeText(type)]),
      )
      expect(rescued(columns, bytesOf(documents))).toEqual(documents.map(() => null))
    }),
    { numRuns: 300 },
  )
})

const anything = fc.array(fc.oneof(fc.dictionary(name, fc.jsonValue()), fc.jsonValue()), { maxLength: 20 })

test('the same values give the same columns, and their order changes nothing but the order of the columns', () => {
  const byKey = (columns: readonly ValueColumn[]) =>
    columns
      .map((column) => ({ ...column, name: '', type: sorted(column.type) }))
      .sort((one, other) => (one.path[0] < other.path[0] ? -1 : 1))
  fc.assert(
    fc.property(
      anything.chain((values) => fc.tuple(fc.constant(values), fc.shuffledSubarray(values, { minLength: values.length }))),
      ([values, shuffled]) => {
        expect(infer(values)).toEqual(infer(values))
        expect(byKey(infer(shuffled))).toEqual(byKey(infer(values)))
      },
    ),
  )
})

/** The type with its fields in the order of their keys, and without the names that come from another order. */
function sorted(type: ColumnType): ColumnType {
  if (type.type === 'list') return { type: 'list', element: sorted(type.element) }
  if (type.type !== 'struct') return type
  const fields = type.fields.map((field) => ({ ...field, name: '', type: sorted(field.type) }))
  return { type: 'struct', fields: fields.sort((one, other) => (one.key < other.key ? -1 : 1)) }
}

test('columns that are declared as they would be inferred get the same forms', () => {
  const time = fc.constantFrom(
    '2024-01-01T00:00:00Z',
    '2024-01-01T00:00:00.000Z',
    '2024-01-01T00:00:00.5Z',
    '2024-01-01 00:00:00',
    '2024-01-01T00:00:00+01:00',
    '',
  )
  const times = fc.oneof(time, fc.array(time, { maxLength: 3 }), fc.record({ a: time, b: time }, { requiredKeys: [] }))
  fc.assert(
    fc.property(fc.array(fc.record({ x: times, y: fc.record({ c: time, d: time, e: time }), z: time }), { maxLength: 12 }), (documents) => {
      const columns = infer(documents)
      const declared = columns.map((column) => ({ ...column, form: null }))
      expect(chooseForms(declared, bytesOf(documents))).toEqual(columns)
    }),
    { numRuns: 1000 },
  )
})

test('any values give columns whose names are apart and free, and which the values can be put into', () => {
  const taken = new Set(['kafka_topic', 'kafka_offset', '_rescued'])
  const keys = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 4 }),
    fc.constantFrom('a', 'A', 'kafka_topic', '_Rescued', '_file', '__proto__', 'constructor'),
  )
  fc.assert(
    fc.property(fc.array(fc.dictionary(keys, fc.oneof(fc.jsonValue(), fc.dictionary(keys, fc.jsonValue())))), (documents) => {
      const values = bytesOf(documents)
      const columns = inferColumns(values, { taken, maxColumns: 500 })
      const names = columns.map((column) => column.name.toLowerCase())
      expect(new Set([...names, ...taken]).size).toBe(names.length + taken.size)
      expect(rescued(columns, values)).toHaveLength(values.length)
    }),
  )
})
