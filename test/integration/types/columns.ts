import { type Canonical, type Column, inKeyOrder } from '../canonical.ts'
import { type Kind, kinds, numericKinds, type Value } from './values.ts'

/** Values of one type, for each of a table's first three files. */
interface Family {
  /** As a document declares it. */
  readonly type: string
  readonly ordinary: readonly Value[]
  readonly edges: readonly Value[]
  /** Nothing, and nothing inside of something. */
  readonly nulls: readonly Value[]
}

/** A column of a table about types. */
export interface TypedColumn extends Family {
  readonly name: string
  readonly kind: Kind
  readonly form: Form
}

/** What a type is nested in, from the outside in; `T` for a column of the type itself. */
export type Form = keyof typeof forms

const absent: Value = { json: undefined, canonical: null }
const explicitNull: Value = { json: 'null', canonical: null, rescued: [['', 'null']] }

function plain({ type, ordinary, edges }: Kind): Family {
  return { type, ordinary, edges, nulls: [absent, explicitNull] }
}

function struct(of: Family): Family {
  const wrap = ({ json, canonical, rescued }: Value): Value => ({
    json: json === undefined ? '{}' : `{"v":${json}}`,
    canonical: { v: canonical },
    ...(rescued && { rescued: rescued.map(([path, text]) => [`['v']${path}`, text]) }),
  })
  return {
    type: `struct<v: ${of.type}>`,
    ordinary: of.ordinary.map(wrap),
    edges: of.edges.map(wrap),
    nulls: [absent, explicitNull, ...of.nulls.map(wrap)],
  }
}

/** What may stand in a list or a map: a null there is a value like any other, and nothing is rescued for it. */
function members({ nulls }: Family): Value[] {
  return [{ json: 'null', canonical: null }, ...nulls.filter(({ json, rescued }) => json !== undefined && rescued === undefined)]
}

function list(of: Family): Family {
  const listed = (...values: readonly Value[]): Value => ({
    json: `[${values.map(({ json }) => json).join(',')}]`,
    canonical: values.map(({ canonical }) => canonical),
  })
  const pairs = (values: readonly Value[]) => values.map((value, i) => listed(value, values[(i + 1) % values.length]))
  return {
    type: `list<${of.type}>`,
    ordinary: pairs(of.ordinary),
    edges: pairs(of.edges),
    nulls: [absent, explicitNull, listed(), ...members(of).map((value) => listed(value)), listed(...members(of), of.ordinary[0])],
  }
}

function map(of: Family): Family {
  const mapped = (...entries: readonly (readonly [key: string, value: Value])[]): Value => ({
    json: `{${entries.map(([key, { json }]) => `${JSON.stringify(key)}:${json}`).join(',')}}`,
    canonical: inKeyOrder(entries.map(([key, { canonical }]) => [key, canonical])),
  })
  const pairs = (values: readonly Value[]) =>
    values.map((value, i) => mapped(['\u{1F600} key', value], ['', values[(i + 1) % values.length]]))
  return {
    type: `map<string, ${of.type}>`,
    ordinary: pairs(of.ordinary),
    edges: pairs(of.edges),
    nulls: [absent, explicitNull, mapped(), ...members(of).map((value, i) => mapped([`k${i}`, value], ['ü', of.ordinary[0]]))],
  }
}

/** A map whose keys are of the type; a key can not be negative zero, which prints as zero does. */
function keyed({ type, ordinary, edges }: Kind): Family {
  const entry = (key: Value, canonical: string | null): [string, [Canonical, Canonical]] => {
    const text = key.json ?? ''
    return [`${text.startsWith('"') ? text : `"${text}"`}:${JSON.stringify(canonical)}`, [key.canonical, canonical]]
  }
  const mapped = (...entries: [string, [Canonical, Canonical]][]): Value => ({
    json: `{${entries.map(([json]) => json).join(',')}}`,
    canonical: inKeyOrder(entries.map(([, pair]) => pair)),
  })
  const keys = (values: readonly Value[]) => values.filter(({ canonical }) => canonical !== '-0e+0')
  return {
    type: `map<${type}, string>`,
    ordinary: [mapped(...keys(ordinary).map((key, i) => entry(key, `value ${i}`))), ...keys(ordinary).map((key) => mapped(entry(key, '')))],
    edges: [mapped(...keys(edges).map((key, i) => entry(key, `value ${i}`))), ...keys(edges).map((key) => mapped(entry(key, null)))],
    nulls: [absent, explicitNull, mapped(), mapped(entry(ordinary[0], null))],
  }
}

const forms = {
  T: plain,
  'struct<T>': (kind: Kind) => struct(plain(kind)),
  'list<T>': (kind: Kind) => list(plain(kind)),
  'map<string, T>': (kind: Kind) => map(plain(kind)),
  'map<T, string>': keyed,
  'struct<struct<T>>': (kind: Kind) => struct(struct(plain(kind))),
  'struct<list<T>>': (kind: Kind) => struct(list(plain(kind))),
  'struct<map<string, T>>': (kind: Kind) => struct(map(plain(kind))),
  'list<struct<T>>': (kind: Kind) => list(struct(plain(kind))),
  'list<list<T>>': (kind: Kind) => list(list(plain(kind))),
  'list<map<string, T>>': (kind: Kind) => list(map(plain(kind))),
  'map<string, struct<T>>': (kind: Kind) => map(struct(plain(kind))),
  'map<string, list<T>>': (kind: Kind) => map(list(plain(kind))),
  'map<string, map<string, T>>': (kind: Kind) => map(map(plain(kind))),
} satisfies Record<string, (kind: Kind) => Family>

/** In the order in which a reader would ask for them. */
export const allForms = Object.keys(forms) as readonly Form[]

function columnOf(kind: Kind, form: Form): TypedColumn {
  const words =
    form
      .replace('map<T, string>', 'key')
      .replaceAll('string, ', '')
      .match(/[a-z]+/g) ?? []
  return { ...forms[form](kind), name: ['c', ...words, kind.name].join('_'), kind, form }
}

const pruned: readonly Form[] = ['T', 'struct<T>']
const isTime = ({ type }: Kind) => type === 'time'

/** What the three tables hold: columns that have bounds, what is nested deeper, and all that holds a `time`, which not every engine loads. */
export const tables = {
  plain: [
    ...pruned.flatMap((form) => kinds.filter((kind) => !isTime(kind)).map((kind) => columnOf(kind, form))),
    ...numericKinds.filter((kind) => !isTime(kind)).map((kind) => columnOf(kind, 'T')),
  ],
  nested: allForms
    .filter((form) => !pruned.includes(form))
    .flatMap((form) => kinds.filter((kind) => !isTime(kind)).map((kind) => columnOf(kind, form))),
  timed: [
    ...allForms.flatMap((form) => kinds.filter(isTime).map((kind) => columnOf(kind, form))),
    ...numericKinds.filter(isTime).map((kind) => columnOf(kind, 'T')),
  ],
} satisfies Record<string, readonly TypedColumn[]>

export type TypedTable = keyof typeof tables

/** Forms of nested columns that are asked whether they are null. */
export const nullTested: readonly Form[] = ['struct<T>', 'list<T>', 'map<string, T>', 'map<T, string>']

/**
 * The columns of a table that predicates are about: those of ISO 8601 text stand for the other units, which are stored alike. What is
 * nested is asked for its nulls, whatever it holds, so one type stands for the others.
 */
export function prunedColumns(table: TypedTable): Column[] {
  return tables[table]
    .filter(({ kind }) => kind.unit === undefined)
    .flatMap(({ name, form, kind }) => [
      ...(form === 'T' ? [{ name, type: kind.iceberg }] : []),
      ...(form === 'struct<T>' ? [{ name: `${name}.v`, type: kind.iceberg }] : []),
      ...(nullTested.includes(form) && (kind.name === 'long' || kind.name === 'time') ? [{ name, type: form }] : []),
    ])
}
