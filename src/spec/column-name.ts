import { FormError } from './scanner.ts'

/** A column's name has no more characters. */
export const longestName = 255

/** Iceberg's metadata columns (table specification, "Reserved Field IDs"), and the one that this project adds for a restarted log. */
const reserved = new Set([
  '_partition',
  '_file',
  '_pos',
  '_deleted',
  '_spec_id',
  '_row_id',
  '_last_updated_sequence_number',
  'kafka_incarnation',
])

/** Whether a table must not have a column of this name. Case counts for nothing: Spark sees none. */
export function isReservedColumn(name: string): boolean {
  return reserved.has(name.toLowerCase())
}

/** Checks a column's name and returns it. Throws a FormError. */
export function columnName(text: string): string {
  if (text === '') throw new FormError('at least one character')
  if (text.length > longestName) throw new FormError(`it has more than ${longestName} characters`)
  // oxlint-disable-next-line no-control-regex
  if (/[\u0000-\u001f\u007f]/.test(text)) throw new FormError('it has a control character')
  if (text !== text.trim()) throw new FormError('it starts or ends with white space')
  if (isReservedColumn(text)) throw new FormError('this name is reserved')
  return text
}
