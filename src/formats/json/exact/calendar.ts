/** The proleptic Gregorian calendar (ISO 8601) as days since 1970-01-01. Years run from March here, so that leap days end them. */

export const secondsPerDay = 86_400

/** 0001-01-01 and 9999-12-31. */
export const firstDay = -719_162
export const lastDay = 2_932_896

const daysPerEra = 146_097
const yearsPerEra = 400
/** From 0000-03-01 to 1970-01-01. */
const epochDay = 719_468

export interface CivilDate {
  readonly year: number
  readonly month: number
  readonly day: number
}

/** The day of a date; null where the calendar has no such date in the years 1 to 9999. */
export function dayOf(date: CivilDate): number | null {
  const { year, month, day } = date
  if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return null
  const marchYear = month > 2 ? year : year - 1
  const era = Math.floor(marchYear / yearsPerEra)
  const yearOfEra = marchYear - era * yearsPerEra
  const dayOfYear = firstDayOfMonth(month) + day - 1
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  return era * daysPerEra + dayOfEra - epochDay
}

/** The date of a day. */
export function dateOf(day: number): CivilDate {
  const sinceMarch = day + epochDay
  const era = Math.floor(sinceMarch / daysPerEra)
  const dayOfEra = sinceMarch - era * daysPerEra
  // Days that leap days put before this one are taken away: what is left is years of 365 days.
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  )
  const dayOfYear = dayOfEra - (yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153)
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
  const marchYear = yearOfEra + era * yearsPerEra
  return { year: month > 2 ? marchYear : marchYear + 1, month, day: dayOfYear - firstDayOfMonth(month) + 1 }
}

function daysInMonth(year: number, month: number): number {
  if (month !== 2) return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
}

/** Days from the first of March to the first of a month: five months have 153, whichever of them is first. */
function firstDayOfMonth(month: number): number {
  return Math.floor((153 * ((month + 9) % 12) + 2) / 5)
}
