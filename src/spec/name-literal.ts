/** The inside of a name in single quotes, and of one in double quotes (RFC 9535 section 2.3.1, "Name Selector"). */
const single = String.raw`'(?:[^'\\\u0000-\u001f]|\\(?:[bfnrt/\\']|u[0-9A-Fa-f]{4}))*'`
const double = String.raw`"(?:[^"\\\u0000-\u001f]|\\(?:[bfnrt/\\"]|u[0-9A-Fa-f]{4}))*"`

/** Source of a regular expression for a name in single quotes. */
export const singleQuotedName = single
/** Source of a regular expression for a name in quotes of either kind. */
export const quotedName = `(?:${single}|${double})`

const escapes: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }
const letters = new Map(Object.entries(escapes).map(([letter, character]) => [character, letter]))

/** The name that a quoted name stands for. A half of a surrogate pair may be escaped alone, since a JSON key may have it so. */
export function nameOfLiteral(literal: string): string {
  return literal
    .slice(1, -1)
    .replaceAll(/\\(?:u(....)|(.))/g, (_escape, hex: string | undefined, character: string) =>
      hex === undefined ? (escapes[character] ?? character) : String.fromCharCode(Number.parseInt(hex, 16)),
    )
}

/** A name in single quotes, as normalized paths have it (RFC 9535 section 2.7). */
export function literalOfName(name: string): string {
  // oxlint-disable-next-line no-control-regex
  return `'${name.replaceAll(/['\\\u0000-\u001f]|\p{Surrogate}/gu, escaped)}'`
}

function escaped(character: string): string {
  if (character === "'" || character === '\\') return `\\${character}`
  const letter = letters.get(character)
  return letter === undefined ? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}` : `\\${letter}`
}
