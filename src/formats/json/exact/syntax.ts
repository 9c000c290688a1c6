/**
 * Whether bytes are one JSON text: exactly what JSON.parse accepts.
 *
 *     text   = ws value ws
 *     value  = object | array | string | number | "true" | "false" | "null"
 *     object = "{" ws [ member *( "," ws member ) ] "}"      member  = string ws ":" ws value ws
 *     array  = "[" ws [ element *( "," ws element ) ] "]"    element = value ws
 *
 * RFC 8259. There is no recursion: a text may nest as deep as it is long.
 */

import { grown } from '../../arrow/builders/grown.ts'
import { mark } from './marks.ts'

const tab = 0x09
const lineFeed = 0x0a
const carriageReturn = 0x0d
const space = 0x20
const literals = [Buffer.from('true'), Buffer.from('false'), Buffer.from('null')]

/** Whether `bytes[start, end)`, which is UTF-8, is a JSON text. */
export function isJson(bytes: Uint8Array, start: number, end: number): boolean {
  /** How each container that is open began, outermost first. */
  let open = new Uint8Array(64)
  let depth = 0
  let at = spaceEnd(bytes, start, end)
  for (;;) {
    // A value must begin here.
    const first = at < end ? bytes[at] : -1
    if (first === mark.openBrace || first === mark.openBracket) {
      at = spaceEnd(bytes, at + 1, end)
      // A closing mark stands two behind its opening one in ASCII.
      if (at < end && bytes[at] === first + 2) at++
      else {
        if (depth === open.length) open = grown(open, Uint8Array, depth + 1)
        open[depth++] = first
        if (first === mark.openBrace) at = nameEnd(bytes, at, end)
        if (at < 0) return false
        continue
      }
    } else at = scalarEnd(bytes, at, end, first)
    if (at < 0) return false
    // A value ended here, and with it perhaps the containers around it.
    for (;;) {
      at = spaceEnd(bytes, at, end)
      if (depth === 0) return at === end
      if (at >= end) return false
      const next = bytes[at++]
      if (next === open[depth - 1] + 2) depth--
      else if (next !== mark.comma) return false
      else {
        at = spaceEnd(bytes, at, end)
        if (open[depth - 1] === mark.openBrace) at = nameEnd(bytes, at, end)
        if (at < 0) return false
        break
      }
    }
  }
}

/** Past the white space that begins at `at`, if any does. */
export function spaceEnd(bytes: Uint8Array, at: number, end: number): number {
  let i = at
  while (i < end && (bytes[i] === space || bytes[i] === lineFeed || bytes[i] === carriageReturn || bytes[i] === tab)) i++
  return i
}

/** Past a member's name, its colon and white space; −1 where none stands. */
function nameEnd(bytes: Uint8Array, at: number, end: number): number {
  if (at >= end || bytes[at] !== mark.quote) return -1
  const name = stringEnd(bytes, at, end)
  if (name < 0) return -1
  const colon = spaceEnd(bytes, name, end)
  return colon < end && bytes[colon] === mark.colon ? spaceEnd(bytes, colon + 1, end) : -1
}

function scalarEnd(bytes: Uint8Array, at: number, end: number, first: number): number {
  if (first === mark.quote) return stringEnd(bytes, at, end)
  if (first === mark.minus || isDigit(first)) return numberEnd(bytes, at, end)
  const literal = literals.find((one) => one[0] === first)
  if (literal === undefined || at + literal.length > end) return -1
  return literal.every((byte, i) => bytes[at + i] === byte) ? at + literal.length : -1
}

/** `"` *( unescaped | `\` one of `"\/bfnrt` | `\u` 4 hexadecimal digits ) `"`; lone surrogates may stand escaped. */
function stringEnd(bytes: Uint8Array, at: number, end: number): number {
  for (let i = at + 1; i < end; i++) {
    const byte = bytes[i]
    if (byte === mark.quote) return i + 1
    if (byte < space) return -1
    if (byte !== mark.backslash) continue
    if (++i >= end) return -1
    if (bytes[i] === mark.u) {
      if (i + 4 >= end || !isHex(bytes[i + 1]) || !isHex(bytes[i + 2]) || !isHex(bytes[i + 3]) || !isHex(bytes[i + 4])) return -1
      i += 4
    } else if (!isShortEscape(bytes[i])) return -1
  }
  return -1
}

/** [ `-` ] ( `0` | 1–9 *digit ) [ `.` 1*digit ] [ ( `e` | `E` ) [ `+` | `-` ] 1*digit ] */
function numberEnd(bytes: Uint8Array, at: number, end: number): number {
  let i = bytes[at] === mark.minus ? at + 1 : at
  if (i < end && bytes[i] === mark.zero) i++
  else if ((i = digitsEnd(bytes, i, end)) < 0) return -1
  if (i < end && bytes[i] === mark.point && (i = digitsEnd(bytes, i + 1, end)) < 0) return -1
  if (i < end && (bytes[i] | 0x20) === mark.e) {
    i++
    if (i < end && (bytes[i] === mark.plus || bytes[i] === mark.minus)) i++
    i = digitsEnd(bytes, i, end)
  }
  return i
}

/** Past digits; −1 where there is none. */
function digitsEnd(bytes: Uint8Array, at: number, end: number): number {
  let i = at
  while (i < end && isDigit(bytes[i])) i++
  return i === at ? -1 : i
}

function isDigit(byte: number): boolean {
  return byte >= mark.zero && byte <= mark.nine
}

function isHex(byte: number): boolean {
  const lower = byte | 0x20
  return isDigit(byte) || (lower >= 0x61 && lower <= 0x66)
}

const shortEscapes = new Set(Buffer.from('"\\/bfnrt'))

function isShortEscape(byte: number): boolean {
  return shortEscapes.has(byte)
}
