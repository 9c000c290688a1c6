import type { BadField, RecordShape, Shape } from '../shape.ts'
import { mark } from './marks.ts'
import { normalizedPath } from './rescue.ts'

/** Why a column has no value: what stands at its place in the document. */
export type Lack = 'nothing' | 'null' | 'an object' | 'a list' | 'a string' | 'a boolean' | 'a number'

/** What the JSON value is that begins with this byte. */
export function kindOfValue(first: number): Lack {
  switch (first) {
    case mark.n:
      return 'null'
    case mark.openBrace:
      return 'an object'
    case mark.openBracket:
      return 'a list'
    case mark.quote:
      return 'a string'
    case mark.t:
    case mark.f:
      return 'a boolean'
    default:
      return 'a number'
  }
}

/** What to say of the first required column without a value. `lacks[i]`: why column i has none; null where it has one. */
export function badFieldIn({ columns }: RecordShape, lacks: readonly (Lack | null)[]): BadField | null {
  const index = columns.findIndex(({ required }, i) => required && lacks[i] !== null)
  const lack = lacks[index]
  if (index < 0 || lack === null) return null
  const { path, shape } = columns[index]
  return { path: normalizedPath(path), message: `a value is required here${because(lack, shape)}` }
}

/** As `badFieldIn`, for a record whose columns are all null; `why` tells what the record is. */
export function badFieldOfNull({ columns }: RecordShape, why: string): BadField | null {
  const column = columns.find(({ required }) => required)
  return column === undefined ? null : { path: normalizedPath(column.path), message: `a value is required here, and the record ${why}` }
}

function because(lack: Lack, shape: Shape): string {
  if (lack === 'nothing') return ', and the document has none'
  if (lack === 'null') return ', and the document has null'
  return `; the document has ${lack} that does not fit ${typeText(shape)}`
}

function typeText(shape: Shape): string {
  return shape.kind === 'decimal' ? `decimal(${shape.precision}, ${shape.scale})` : shape.kind
}
