import type { TimeForm } from '../../formats/json/shape.ts'

/** What a text is, of dates and times in ISO 8601; `form` is the one it is written in. */
export type TimeText =
  | { readonly type: 'date' }
  | {
      /** timestamptz has a zone, timestamp has none; a time of day has neither date nor zone. */
      readonly type: 'time' | 'timestamp' | 'timestamptz'
      readonly form: TimeForm
      /** Whether a column of microseconds gives back this text in `form`. */
      readonly isExact: boolean
      /** Whether it is written with `T`, as many of 0, 3 and 6 fraction digits as it needs, and in UTC with `Z`. */
      readonly isPlain: boolean
    }

const pattern = /^(?:(\d{4})-(\d\d)-(\d\d)(?:([T ])|$))?(?:(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)?)?$/
const longest = '2026-01-01T00:00:00.000000000+00:00'.length
const shortest = '00:00:00'.length

/**
 * Reads a text that is a date or a time in one of the forms that a column can write again; null of any other. Texts that mean a time
 * and are written otherwise (`t` for `T`, no seconds, `+0200`) are none: no column could give them back.
 */
export function readTimeText(text: string): TimeText | null {
  if (text.length < shortest || text.length > longest) return null
  const match = pattern.exec(text)
  if (match === null) return null
  const [, year, month, day, separator, hours, minutes, seconds, fraction = '', zone = ''] = match
  if (year !== undefined && !isDate(Number(year), Number(month), Number(day))) return null
  if (hours === undefined) return separator === undefined ? { type: 'date' } : null
  if (Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) > 59) return null
  if (year === undefined ? zone !== '' : separator === undefined) return null
  const type = year === undefined ? 'time' : zone === '' ? 'timestamp' : 'timestamptz'
  if (type === 'timestamptz' && !isInRange(text.slice(0, 10), `${hours}:${minutes}:${seconds}`, zone)) return null
  return {
    type,
    form: { separator: separator === ' ' ? ' ' : 'T', fraction: fraction.length, zone },
    isExact: Number(fraction.slice(6)) === 0,
    isPlain: separator !== ' ' && fraction.length === plainDigits(fraction) && (type !== 'timestamptz' || zone === 'Z'),
  }
}

/** How many fraction digits are needed where 0, 3 and 6 can be had. */
function plainDigits(fraction: string): number {
  const needed = fraction.replace(/0+$/, '').length
  return needed === 0 ? 0 : needed <= 3 ? 3 : 6
}

function isDate(year: number, month: number, day: number): boolean {
  if (year < 1 || month < 1 || month > 12 || day < 1) return false
  const days = month === 2 ? (year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28) : [4, 6, 9, 11].includes(month) ? 30 : 31
  return day <= days
}

const firstMs = Date.parse('0001-01-01T00:00:00Z')
const endMs = Date.parse('+010000-01-01T00:00:00Z')

/** Whether the zone is one, and the time lies within the years 1 to 9999 in UTC. */
function isInRange(date: string, time: string, zone: string): boolean {
  if (zone !== 'Z') {
    const [hours, minutes] = [Number(zone.slice(1, 3)), Number(zone.slice(4))]
    if (minutes > 59 || hours * 60 + minutes > 18 * 60) return false
  }
  const ms = Date.parse(`${date}T${time}${zone}`)
  return ms >= firstMs && ms < endMs
}
