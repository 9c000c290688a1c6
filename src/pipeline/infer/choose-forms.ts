import { textOfString } from '../../formats/json/exact/strings.ts'
import { elementsOf, membersOf, type Span } from '../../formats/json/exact/walk.ts'
import { type ColumnType, hasTime } from '../../spec/column-type.ts'
import type { ValueColumn } from '../../spec/value-column.ts'
import { FormTally, mostFrequentForm } from './form-tally.ts'
import { objectStart } from './is-json.ts'
import { readTimeText } from './time-text.ts'

/**
 * The columns, each that has times as text and no form yet with the form in which most of its times are written in the sample; null
 * where the sample has none, and where that is what null stands for.
 */
export function chooseForms(columns: readonly ValueColumn[], values: Iterable<Uint8Array>): readonly ValueColumn[] {
  const open = columns.flatMap((column) =>
    column.unit === 'iso8601' && column.form === null && hasTime(column.type) ? [{ column, tally: new FormTally() }] : [],
  )
  if (open.length === 0) return columns
  for (const value of values) {
    const start = objectStart(value)
    if (start < 0) continue
    const members = membersOf(value, start)
    for (const { column, tally } of open) {
      const span = spanAt(value, members, column.path)
      if (span !== undefined) noteTimes(tally, column.type, value, span)
    }
  }
  const forms = new Map(open.map(({ column, tally }) => [column, mostFrequentForm([tally])]))
  return columns.map((column) => ({ ...column, form: forms.get(column) ?? column.form }))
}

function spanAt(bytes: Uint8Array, members: ReadonlyMap<string, Span>, [key, ...rest]: readonly string[]): Span | undefined {
  const span = members.get(key)
  if (span === undefined || rest.length === 0) return span
  return begins(bytes, span, '{') ? spanAt(bytes, membersOf(bytes, span.start), rest) : undefined
}

/** Takes in the times at the places where the type has them. */
function noteTimes(tally: FormTally, type: ColumnType, bytes: Uint8Array, span: Span): void {
  if (!hasTime(type)) return
  if (type.type === 'struct') {
    if (!begins(bytes, span, '{')) return
    const members = membersOf(bytes, span.start)
    for (const field of type.fields) {
      const member = members.get(field.key)
      if (member !== undefined) noteTimes(tally, field.type, bytes, member)
    }
  } else if (type.type === 'map') {
    if (!begins(bytes, span, '{')) return
    for (const [key, member] of membersOf(bytes, span.start)) {
      noteTime(tally, type.key, key)
      noteTimes(tally, type.value, bytes, member)
    }
  } else if (type.type === 'list') {
    if (!begins(bytes, span, '[')) return
    for (const element of elementsOf(bytes, span.start)) noteTimes(tally, type.element, bytes, element)
  } else if (begins(bytes, span, '"')) noteTime(tally, type, textOfString(bytes, span.start, span.end))
}

function noteTime(tally: FormTally, { type }: ColumnType, text: string): void {
  const time = readTimeText(text)
  if (time !== null && time.type !== 'date' && time.type === type) tally.add(time)
}

function begins(bytes: Uint8Array, { start }: Span, mark: string): boolean {
  return bytes[start] === mark.charCodeAt(0)
}
