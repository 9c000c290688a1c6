import { nearest } from './nearest.ts'
import { quoted } from './wording.ts'
import { FormError, Scanner } from './scanner.ts'

/** What a table is partitioned or sorted by: an Iceberg transform of a column (table specification, "Partition Transforms"). */
export type Term = { readonly column: readonly string[] } & (
  | { readonly transform: 'identity' | 'year' | 'month' | 'day' | 'hour' }
  /** `parameter`: the number of buckets, or the width. */
  | { readonly transform: 'bucket' | 'truncate'; readonly parameter: number }
)

export type SortTerm = Term & { readonly direction: 'asc' | 'desc'; readonly nulls: 'first' | 'last' }

const plainTransforms = ['identity', 'year', 'month', 'day', 'hour'] as const
const transforms = [...plainTransforms, 'bucket', 'truncate']

/** `kafka_topic`, `day(kafka_timestamp)`, `bucket(16, customer.id)`. Throws a FormError. */
export function parsePartitionTerm(text: string): Term {
  const scanner = new Scanner(text)
  const term = parseTerm(scanner)
  scanner.end()
  return term
}

/** A term, then `asc` (when nothing is said) or `desc`, then `nulls first` (ascending: when nothing is said) or `nulls last`. Throws a FormError. */
export function parseSortTerm(text: string): SortTerm {
  const scanner = new Scanner(text)
  const term = sortTerm(scanner)
  scanner.end()
  return term
}

/** Sort terms with commas between them: `day(kafka_timestamp), customer.id desc`. Throws a FormError. */
export function parseSortTerms(text: string): SortTerm[] {
  const scanner = new Scanner(text)
  const terms = [sortTerm(scanner)]
  while (scanner.take(',')) terms.push(sortTerm(scanner))
  scanner.end()
  return terms
}

function sortTerm(scanner: Scanner): SortTerm {
  const term = parseTerm(scanner)
  let word = scanner.word()
  const direction = word === 'desc' ? 'desc' : 'asc'
  if (word === 'asc' || word === 'desc') word = scanner.word()
  if (word === undefined) return { ...term, direction, nulls: direction === 'asc' ? 'first' : 'last' }
  const place = word === 'nulls' ? scanner.word() : undefined
  if (place !== 'first' && place !== 'last') throw new FormError('after the column come asc or desc, then nulls first or nulls last')
  return { ...term, direction, nulls: place }
}

function parseTerm(scanner: Scanner): Term {
  const name = scanner.name('a column or a transform')
  if (!scanner.take('(')) return { transform: 'identity', column: parseColumn(scanner, name) }
  const transform = name.toLowerCase()
  const term = parseArguments(scanner, transform)
  scanner.expect(')')
  return term
}

function parseArguments(scanner: Scanner, transform: string): Term {
  const plain = plainTransforms.find((one) => one === transform)
  if (plain !== undefined) return { transform: plain, column: parseColumn(scanner, scanner.name('a column')) }
  if (transform !== 'bucket' && transform !== 'truncate') {
    const meant = nearest(transform, transforms)
    throw new FormError(`there is no transform ${quoted(transform)}${meant === undefined ? '' : `; did you mean ${meant}?`}`)
  }
  const parameter = scanner.integer(transform === 'bucket' ? 'a number of buckets' : 'a width', 1, 2 ** 31 - 1)
  scanner.expect(',')
  return { transform, parameter, column: parseColumn(scanner, scanner.name('a column')) }
}

function parseColumn(scanner: Scanner, first: string): string[] {
  const column = [first]
  while (scanner.take('.')) column.push(scanner.name("a field's name"))
  return column
}
