import { FormError } from './scanner.ts'

/** A moment that a document names. */
export interface Moment {
  /** Milliseconds since 1970, UTC. */
  readonly timeMs: number
}

/**
 * Parses an ISO 8601 time with its zone (`2024-01-01T00:00:00Z`, `2024-01-01T01:00+01:00`), or a date, which is midnight UTC.
 * What is finer than a millisecond is left out. Throws a FormError.
 */
export function parseTime(text: string): Moment {
  const found = /^(\d{4}-\d{2}-\d{2})(?:T(\d{2}:\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?(Z|[+-]\d{2}:\d{2})?)?$/.exec(text)
  if (found === null) throw new FormError('such as 2024-01-01T00:00:00Z')
  const [, date, time, seconds = '00', fraction = '', zone] = found
  if (time !== undefined && zone === undefined) throw new FormError('with its zone: Z or +01:00')
  const milliseconds = fraction.slice(0, 3).padEnd(3, '0')
  const local = `${date}T${time ?? '00:00'}:${seconds}.${milliseconds}`
  const asUtc = Date.parse(`${local}Z`)
  // The parser takes 30 February for 1 March.
  if (Number.isNaN(asUtc) || !new Date(asUtc).toISOString().startsWith(local))
    throw new FormError('the calendar or the clock has no such time')
  const timeMs = Date.parse(`${local}${zone ?? 'Z'}`)
  if (Number.isNaN(timeMs)) throw new FormError('there is no such zone')
  return { timeMs }
}
