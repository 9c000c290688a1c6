import type { TimeForm } from '../../formats/json/shape.ts'
import { columnNames } from '../../spec/column-names.ts'
import type { ColumnType } from '../../spec/column-type.ts'
import type { ValueColumn } from '../../spec/value-column.ts'
import { type Draft, leavesOf, type Member, draftsOf, membersWith } from './draft.ts'
import { Evidence, type Place } from './evidence.ts'
import { mostFrequentForm } from './form-tally.ts'
import { objectStart } from './is-json.ts'

export interface InferOptions {
  /** Names that the columns must not take: those of the Kafka columns and of the rescue column. */
  readonly taken: ReadonlySet<string>
  /** Columns at most; a struct counts as many as it has within, and a list as its elements. */
  readonly maxColumns: number
}

/** Objects and lists within a column at most, one in another. */
const maxDepth = 16

/**
 * The columns that a sample of values asks for, in the order in which their keys first appear; which columns there are, and their
 * types, do not depend on that order, save where there are too many. Values that are no JSON objects are passed over. What gets no
 * column is kept by the rescue column:
 *
 * - values of more than one kind, integers of more than 38 digits, and what is never anything but null, `{}` and `[]`;
 * - keys that look like data: where an object was seen at least 20 times and had more than 50 keys, those that one object has, or fewer than 1 %;
 * - the rarest columns where there are more than `maxColumns`; of equally rare ones, those that appear later;
 * - what lies more than 16 objects and lists deep.
 *
 * Integers become long, or decimal(38,0) where 64 bits do not hold all of them; with any other number beside them, double. Strings stay
 * strings unless all of them are dates, or times with their date, all in one zone or all without one, and most in the form that the
 * column gets; the times within one column share a form.
 */
export function inferColumns(values: Iterable<Uint8Array>, options: InferOptions): readonly ValueColumn[] {
  const evidence = new Evidence(maxDepth)
  for (const value of values) {
    const start = objectStart(value)
    if (start >= 0) evidence.add(value, start)
  }
  const members = mostFrequent(draftsOf(evidence.root), options.maxColumns)
  const names = columnNames(
    members.map(({ key }) => key),
    options.taken,
  )
  return members.map(({ key, draft }, i) => {
    const { form, places } = timesOf(draft)
    return { name: names[i], path: [key], type: typeOf(draft, places), required: false, unit: 'iso8601', form }
  })
}

/** The members with their most frequent leaves, at most `max` of them. */
function mostFrequent(members: readonly Member[], max: number): readonly Member[] {
  const leaves = members.flatMap(({ draft }) => leavesOf(draft))
  if (leaves.length <= max) return members
  leaves.sort((one, other) => other.place.documents - one.place.documents || one.place.order - other.place.order)
  return membersWith(members, new Set(leaves.slice(0, max)))
}

/**
 * The form of a column, and the places that are times in it: at least half of the texts there must be written so, for each other one is
 * kept twice. The form is the most frequent one of these places alone, so that the same columns, declared, get the same form.
 */
function timesOf(draft: Draft): { readonly form: TimeForm | null; readonly places: ReadonlySet<Place> } {
  let places = leavesOf(draft)
    .map(({ place }) => place)
    .filter((place) => timeType(place) !== null)
  for (;;) {
    const form = mostFrequentForm(places.map(({ forms }) => forms))
    const written = places.filter(({ forms, strings }) => forms.countIn(form) * 2 >= strings)
    if (written.length === places.length) return { form, places: new Set(places) }
    places = written
  }
}

function typeOf(draft: Draft, times: ReadonlySet<Place>): ColumnType {
  switch (draft.kind) {
    case 'leaf':
      return times.has(draft.place) ? { type: timeType(draft.place)! } : draft.type
    case 'list':
      return { type: 'list', element: typeOf(draft.element, times) }
    case 'struct': {
      const names = columnNames(
        draft.fields.map(({ key }) => key),
        new Set(),
      )
      return {
        type: 'struct',
        fields: draft.fields.map(({ key, draft: field }, i) => ({ name: names[i], key, type: typeOf(field, times) })),
      }
    }
  }
}

/** What the strings of a place may be beside strings; null where they are not all times of one kind, or are written in several zones. */
function timeType({ strings, timestamps, timestamptzs, forms }: Place): 'timestamp' | 'timestamptz' | null {
  if (strings === 0) return null
  if (timestamps === strings) return 'timestamp'
  return timestamptzs === strings && forms.zones.size === 1 ? 'timestamptz' : null
}
