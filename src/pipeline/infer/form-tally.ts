import type { TimeForm } from '../../formats/json/shape.ts'
import type { TimeText } from './time-text.ts'

/** A text with a time of day, which a form says something about. */
export type FormedTime = Exclude<TimeText, { readonly type: 'date' }>

interface FormCount {
  readonly type: FormedTime['type']
  readonly form: TimeForm
  exact: number
  plain: number
}

/** Forms that are told apart at one place; more of them are no form. */
const maxForms = 64

/** In which forms times are written: how often each, at one place or at all places of a column. */
export class FormTally {
  readonly #forms = new Map<string, FormCount>()

  add({ type, form, isExact, isPlain }: FormedTime): void {
    const name = `${type} ${form.separator}${form.fraction}${form.zone}`
    let count = this.#forms.get(name)
    if (count === undefined) {
      if (this.#forms.size >= maxForms) return
      this.#forms.set(name, (count = { type, form, exact: 0, plain: 0 }))
    }
    if (isExact) count.exact++
    if (isPlain) count.plain++
  }

  /** The zones that occur, of timestamps with one. */
  get zones(): ReadonlySet<string> {
    return new Set([...this.#forms.values()].flatMap(({ type, form }) => (type === 'timestamptz' ? [form.zone] : [])))
  }

  /** The forms that occur. */
  get forms(): readonly TimeForm[] {
    return [...this.#forms.values()].map(({ form }) => form)
  }

  /** How many of the times a column in this form gives back as they are written. */
  countIn(form: TimeForm | null): number {
    let count = 0
    for (const each of this.#forms.values()) {
      if (form === null) count += each.plain
      else if (agree(each, form)) count += each.exact
    }
    return count
  }
}

/** Whether a column in the other form writes such a time in this one: a time of day has neither separator nor zone, a timestamp no zone. */
function agree({ type, form }: FormCount, other: TimeForm): boolean {
  if (form.fraction !== other.fraction) return false
  return type === 'time' || (form.separator === other.separator && (type === 'timestamp' || form.zone === other.zone))
}

/**
 * The form in which most of the times of all these places are written; null where that is the form of columns of which nothing is
 * known, or where there are none. Of forms that are as frequent, one that is written always the same comes before that one, and fewer
 * digits come first.
 */
export function mostFrequentForm(tallies: readonly FormTally[]): TimeForm | null {
  let best: { readonly form: TimeForm | null; readonly count: number; readonly rank: string } = { form: null, count: 0, rank: '~' }
  for (const form of [null, ...tallies.flatMap(({ forms }) => forms)]) {
    const count = tallies.reduce((sum, tally) => sum + tally.countIn(form), 0)
    const rank = form === null ? '~' : `${form.fraction}${form.separator}${form.zone}`
    if (count > best.count || (count === best.count && count > 0 && rank < best.rank)) best = { form, count, rank }
  }
  return best.form
}
