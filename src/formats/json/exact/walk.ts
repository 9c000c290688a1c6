/** Ways through a JSON text that is known to be valid (`isJson`): nothing is checked here. */

import { mark } from './marks.ts'
import { textOfString } from './strings.ts'
import { spaceEnd } from './syntax.ts'

/** Where a value stands, without white space around it. */
export interface Span {
  readonly start: number
  readonly end: number
}

/**
 * The members of the object that begins at `at`, by their names, in the order of the document. Of members with one name the last
 * counts, and its place.
 */
export function membersOf(bytes: Uint8Array, at: number): Map<string, Span> {
  const members = new Map<string, Span>()
  let i = spaceEnd(bytes, at + 1, bytes.length)
  while (bytes[i] !== mark.closeBrace) {
    const nameEnd = stringEnd(bytes, i)
    const name = textOfString(bytes, i, nameEnd)
    const start = spaceEnd(bytes, spaceEnd(bytes, nameEnd, bytes.length) + 1, bytes.length)
    const end = valueEnd(bytes, start)
    if (members.has(name)) members.delete(name)
    members.set(name, { start, end })
    i = nextStart(bytes, end)
  }
  return members
}

/** The elements of the array that begins at `at`. */
export function* elementsOf(bytes: Uint8Array, at: number): Generator<Span, void, undefined> {
  let start = spaceEnd(bytes, at + 1, bytes.length)
  while (bytes[start] !== mark.closeBracket) {
    const end = valueEnd(bytes, start)
    yield { start, end }
    start = nextStart(bytes, end)
  }
}

/** Where the next member or element begins, or the closing mark stands. */
function nextStart(bytes: Uint8Array, end: number): number {
  const at = spaceEnd(bytes, end, bytes.length)
  return bytes[at] === mark.comma ? spaceEnd(bytes, at + 1, bytes.length) : at
}

function valueEnd(bytes: Uint8Array, at: number): number {
  const first = bytes[at]
  if (first === mark.quote) return stringEnd(bytes, at)
  if (first === mark.openBrace || first === mark.openBracket) return containerEnd(bytes, at)
  let i = at + 1
  while (isInScalar(bytes[i])) i++
  return i
}

function containerEnd(bytes: Uint8Array, at: number): number {
  let i = at
  let depth = 0
  do {
    const byte = bytes[i]
    if (byte === mark.quote) i = stringEnd(bytes, i)
    else {
      if (byte === mark.openBrace || byte === mark.openBracket) depth++
      else if (byte === mark.closeBrace || byte === mark.closeBracket) depth--
      i++
    }
  } while (depth > 0)
  return i
}

function stringEnd(bytes: Uint8Array, at: number): number {
  let i = at + 1
  while (bytes[i] !== mark.quote) i += bytes[i] === mark.backslash ? 2 : 1
  return i + 1
}

/** Of numbers and literals: digits, letters, and the signs and point between them. */
function isInScalar(byte: number): boolean {
  return byte > mark.comma
    ? byte <= mark.nine || (byte > 0x40 && byte < mark.openBracket) || (byte > 0x60 && byte < mark.openBrace)
    : byte === mark.plus
}
