import { isPrimitive } from '../formats/iceberg/primitive-type.ts'
import type { PartitionField, PartitionSpec } from '../formats/iceberg/partition-spec.ts'
import { unpartitionedLastPartitionId } from '../formats/iceberg/partition-spec.ts'
import type { IcebergType, NestedField, PrimitiveType } from '../formats/iceberg/schema.ts'
import type { SortField } from '../formats/iceberg/table-metadata.ts'
import { transformResultType } from '../formats/iceberg/transforms.ts'
import { nearest } from './nearest.ts'
import { nameText } from './scanner.ts'
import type { SortTerm, Term } from './terms.ts'
import { quoted } from './wording.ts'

/** What is wrong with one of the terms. `message` begins with what was expected. */
export interface TermProblem {
  readonly index: number
  readonly message: string
}

/** A term's transform, as a partition spec has it: `bucket[16]`. */
export function transformText(term: Term): string {
  return 'parameter' in term ? `${term.transform}[${term.parameter}]` : term.transform
}

/** The column of a term, or why there is none; null where it may be one that is not known yet. */
export type FoundColumn = { readonly id: number; readonly type: PrimitiveType } | { readonly problem: string } | null

/**
 * Finds the column of a term, within structs by its path, and checks that the transform takes its type. `isOpen`: there may be more
 * columns and fields than these.
 */
export function termColumn(term: Term, fields: readonly NestedField[], isOpen: boolean): FoundColumn {
  let within: readonly NestedField[] = fields
  for (const [depth, name] of term.column.entries()) {
    const found = within.find((field) => field.name === name)
    if (found === undefined) {
      if (isOpen) return null
      const meant = nearest(
        name,
        within.map((field) => field.name),
      )
      const hint = meant === undefined ? '' : `; did you mean ${meant}?`
      return { problem: `expected a column of the table, found ${quoted(term.column.map(nameText).join('.'))}${hint}` }
    }
    const { type } = found
    if (depth < term.column.length - 1) {
      if (isPrimitive(type) || type.type !== 'struct')
        return { problem: `expected a struct before the dot, found ${quoted(name)}, which is ${article(type)}` }
      within = type.fields
      continue
    }
    if (!isPrimitive(type)) return { problem: `expected a column of a plain type, found ${quoted(name)}, which is ${article(type)}` }
    try {
      transformResultType(transformText(term), type)
    } catch (error) {
      return { problem: `expected a transform that takes ${type} (${(error as Error).message.replace(/^iceberg: /, '')})` }
    }
    return { id: found.id, type }
  }
  throw new Error('a term without a column')
}

function article(type: IcebergType): string {
  return isPrimitive(type) ? `a ${type}` : `a ${type.type}`
}

/** The name of a term's partition field, as Spark and Iceberg's Java library give it to a table that is created. */
export function partitionFieldName(term: Term): string {
  const column = term.column.join('.')
  if (term.transform === 'identity') return column
  return `${column}_${term.transform === 'truncate' ? 'trunc' : term.transform}`
}

/**
 * The partition fields that terms make, and what is wrong with them: a column that is not there, a type that the transform does not take,
 * a second field for the time of one column, a name that a column or another field has. Source ids are those of `fields`.
 */
export function partitionFields(
  terms: readonly Term[],
  fields: readonly NestedField[],
  isOpen = false,
): { readonly fields: readonly PartitionField[]; readonly problems: readonly TermProblem[] } {
  const made: PartitionField[] = []
  const problems: TermProblem[] = []
  const names = new Set<string>()
  const times = new Map<string, string>()
  for (const [index, term] of terms.entries()) {
    const refuse = (message: string) => void problems.push({ index, message })
    const column = termColumn(term, fields, isOpen)
    if (column !== null && 'problem' in column) {
      refuse(column.problem)
      continue
    }
    const name = partitionFieldName(term)
    const path = term.column.join('.')
    const isTime = ['year', 'month', 'day', 'hour'].includes(term.transform)
    if (isTime && times.has(path))
      refuse(`expected one of year, month, day and hour of ${path}, found ${term.transform} beside ${times.get(path)}`)
    else if (names.has(name)) refuse(`expected a partition field with a name of its own, found a second one of the name ${quoted(name)}`)
    else if (term.transform !== 'identity' && fields.some((field) => field.name === name)) {
      refuse(`expected a partition field whose name no column has, found ${quoted(name)}; call the column otherwise`)
    } else if (term.transform === 'identity' && term.column.length > 1 && fields.some((field) => field.name === name)) {
      refuse(`expected a partition field whose name no other column has, found ${quoted(name)}`)
    } else if (column !== null) {
      const transform = transformText(term)
      made.push({ 'source-id': column.id, 'field-id': unpartitionedLastPartitionId + 1 + index, name, transform })
    }
    names.add(name)
    if (isTime) times.set(path, term.transform)
  }
  return { fields: made, problems }
}

/** The sort fields that terms make, and what is wrong with them. Source ids are those of `fields`. */
export function sortFields(
  terms: readonly SortTerm[],
  fields: readonly NestedField[],
  isOpen = false,
): { readonly fields: readonly SortField[]; readonly problems: readonly TermProblem[] } {
  const made: SortField[] = []
  const problems: TermProblem[] = []
  for (const [index, term] of terms.entries()) {
    const column = termColumn(term, fields, isOpen)
    if (column !== null && 'problem' in column) problems.push({ index, message: column.problem })
    else if (column !== null) {
      made.push({
        'source-id': column.id,
        transform: transformText(term),
        direction: term.direction,
        'null-order': term.nulls === 'first' ? 'nulls-first' : 'nulls-last',
      })
    }
  }
  return { fields: made, problems }
}

/** What a spec partitions by, field by field, as a document says it: `bucket(16, customer.id)`. */
export function specTexts(spec: PartitionSpec, fields: readonly NestedField[]): string[] {
  return spec.fields.map(({ 'source-id': id, transform }) => {
    const path = pathOf(fields, id)?.map(nameText).join('.') ?? `column ${id}`
    if (transform === 'identity') return path
    const [, kind, parameter] = /^(\w+)\[(\d+)\]$/.exec(transform) ?? []
    return kind === undefined ? `${transform}(${path})` : `${kind}(${parameter}, ${path})`
  })
}

function pathOf(fields: readonly NestedField[], id: number): string[] | null {
  for (const { id: own, name, type } of fields) {
    if (own === id) return [name]
    const within = isPrimitive(type) || type.type !== 'struct' ? null : pathOf(type.fields, id)
    if (within !== null) return [name, ...within]
  }
  return null
}
