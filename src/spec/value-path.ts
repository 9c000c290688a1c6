import { literalOfName, nameOfLiteral, quotedName } from './name-literal.ts'
import { FormError } from './scanner.ts'

/** A path has no more names. */
const longest = 64

const space = String.raw`[ \t\n\r]*`
const first = String.raw`A-Za-z_\u{80}-\u{d7ff}\u{e000}-\u{10ffff}`
/** A name segment of a singular query (RFC 9535 section 2.3.5.1), with the white space that it allows. */
const segment = new RegExp(`${space}(?:\\.([${first}][0-9${first}]*)|\\[${space}(${quotedName})${space}\\])`, 'uy')

/**
 * Where a value stands in a document: the names of a singular query (RFC 9535) that has names alone, at least one:
 * `$.address.city`, `$['address']['city']`. Throws a FormError.
 */
export function parseValuePath(text: string): readonly string[] {
  const path: string[] = []
  let at = text.startsWith('$') ? 1 : 0
  while (at > 0 && at < text.length) {
    segment.lastIndex = at
    const found = segment.exec(text)
    if (found === null) break
    path.push(found[1] ?? nameOfLiteral(found[2]))
    at = segment.lastIndex
  }
  if (at < text.length || at === 0)
    throw new FormError(`$ and names, as $.address.city or $['address']['city']; not so at character ${at + 1}`)
  if (path.length === 0) throw new FormError('at least one name after $')
  if (path.length > longest) throw new FormError(`it has more than ${longest} names`)
  return path
}

/** The normalized path (RFC 9535 section 2.7) of such a place: `$['address']['city']`. */
export function valuePathText(path: readonly string[]): string {
  return `$${path.map((name) => `[${literalOfName(name)}]`).join('')}`
}

/** Whether two places can not both be filled: they are the same, or one lies within the other. */
export function pathsMeet(one: readonly string[], other: readonly string[]): boolean {
  const [short, long] = one.length <= other.length ? [one, other] : [other, one]
  return short.every((name, level) => name === long[level])
}
