import type { ColumnType } from '../../spec/column-type.ts'
import type { Place } from './evidence.ts'

/** A type in the making: which columns it has is known, which of its times stay times is not. */
export type Draft = Leaf | StructDraft | ListDraft

/** A value without values beneath it. `type`: string where it may be a time as well and the form decides. */
export interface Leaf {
  readonly kind: 'leaf'
  readonly place: Place
  readonly type: ColumnType
}

export interface StructDraft {
  readonly kind: 'struct'
  readonly fields: readonly Member[]
}

export interface ListDraft {
  readonly kind: 'list'
  readonly element: Draft
}

export interface Member {
  readonly key: string
  readonly draft: Draft
}

/**
 * Where an object was seen so often and has had so many keys, its keys look like data: one that a single object has, or fewer than one
 * in a hundred, gets no column.
 */
const manyObjects = 20
const manyKeys = 50
const oneIn = 100

/** A column's type is no longer than this where all its numbers are integers. */
const longestDecimal = 38

/** What the members of an object become, in the order of their first appearance; without those that no column can hold. */
export function draftsOf({ members, objects }: Place): Member[] {
  const found: Member[] = []
  const looksLikeData = objects >= manyObjects && members.size > manyKeys
  for (const [key, place] of members) {
    if (looksLikeData && (place.seen === 1 || place.seen * oneIn < objects)) continue
    const draft = draftOf(place)
    if (draft !== null) found.push({ key, draft })
  }
  return found
}

/** What a place becomes; null where its values are of several kinds, where there are none but null, and where nothing is beneath it. */
function draftOf(place: Place): Draft | null {
  const { booleans, longs, longer, others, strings, objects, lists } = place
  const numbers = longs + longer + others
  if ([booleans, numbers, strings, objects, lists].filter((count) => count > 0).length !== 1) return null
  if (objects > 0) {
    const fields = draftsOf(place)
    return fields.length === 0 ? null : { kind: 'struct', fields }
  }
  if (lists > 0) {
    const element = place.element === null ? null : draftOf(place.element)
    return element === null ? null : { kind: 'list', element }
  }
  const type = booleans > 0 ? ({ type: 'boolean' } as const) : strings > 0 ? stringType(place) : numberType(place)
  return type === null ? null : { kind: 'leaf', place, type }
}

function stringType({ strings, dates }: Place): ColumnType {
  return { type: strings === dates ? 'date' : 'string' }
}

/** Integers of more digits than a decimal has are kept whole by the rescue column alone. */
function numberType({ longer, others, digits }: Place): ColumnType | null {
  if (others > 0) return { type: 'double' }
  if (longer === 0) return { type: 'long' }
  return digits > longestDecimal ? null : { type: 'decimal', precision: longestDecimal, scale: 0 }
}

/** The leaves of a draft, from left to right. */
export function leavesOf(draft: Draft): Leaf[] {
  switch (draft.kind) {
    case 'leaf':
      return [draft]
    case 'struct':
      return draft.fields.flatMap((field) => leavesOf(field.draft))
    case 'list':
      return leavesOf(draft.element)
  }
}

/** The draft with these leaves alone; null where it has none of them. */
export function withLeaves(draft: Draft, kept: ReadonlySet<Leaf>): Draft | null {
  switch (draft.kind) {
    case 'leaf':
      return kept.has(draft) ? draft : null
    case 'struct': {
      const fields = membersWith(draft.fields, kept)
      return fields.length === 0 ? null : { kind: 'struct', fields }
    }
    case 'list': {
      const element = withLeaves(draft.element, kept)
      return element === null ? null : { kind: 'list', element }
    }
  }
}

/** The members that have any of these leaves, with them alone. */
export function membersWith(members: readonly Member[], kept: ReadonlySet<Leaf>): Member[] {
  return members.flatMap(({ key, draft }) => {
    const left = withLeaves(draft, kept)
    return left === null ? [] : [{ key, draft: left }]
  })
}
