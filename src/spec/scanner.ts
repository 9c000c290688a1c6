import { nameOfLiteral, singleQuotedName } from './name-literal.ts'
import { quoted } from './wording.ts'

const plainName = /[^\s:,.<>()`"']+/.source
const name = new RegExp(`\`(?:[^\`]|\`\`)+\`|${plainName}`, 'y')
const literal = new RegExp(singleQuotedName, 'uy')
const onlyPlain = new RegExp(`^${plainName}$`)

/** A text has not the form that is asked for; the message says what was expected and where. */
export class FormError extends Error {
  override readonly name = 'FormError'
}

/** Reads the small languages of a document (column types, partition and sort terms) from left to right. White space between words is free. */
export class Scanner {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  /** Takes `character` where it comes next. */
  take(character: string): boolean {
    this.#skipSpace()
    if (this.#text[this.#at] !== character) return false
    this.#at++
    return true
  }

  /** Takes `character`; throws a FormError where something else comes. */
  expect(character: string): void {
    if (!this.take(character)) throw this.error(quoted(character))
  }

  /** Takes a name: letters and whatever else does not part words, or anything within backticks (a doubled one is one). */
  name(what: string): string {
    this.#skipSpace()
    const found = this.#match(name)
    if (found === undefined) throw this.error(what)
    return found.startsWith('`') ? found.slice(1, -1).replaceAll('``', '`') : found
  }

  /** Takes a name in single quotes; undefined where none comes next. */
  literal(): string | undefined {
    this.#skipSpace()
    const found = this.#match(literal)
    return found === undefined ? undefined : nameOfLiteral(found)
  }

  /** Takes a word of letters, in lower case; undefined where none comes next. */
  word(): string | undefined {
    this.#skipSpace()
    return this.#match(/[A-Za-z]+/y)?.toLowerCase()
  }

  /** Takes a whole number from `low` to `high`. */
  integer(what: string, low: number, high: number): number {
    this.#skipSpace()
    const start = this.#at
    const number = Number(this.#match(/[0-9]{1,15}(?![0-9])/y) ?? Number.NaN)
    if (number >= low && number <= high) return number
    this.#at = start
    throw this.error(`${what} from ${low} to ${high}`)
  }

  /** Throws a FormError where text is left. */
  end(): void {
    this.#skipSpace()
    if (this.#at < this.#text.length) throw this.error('the end')
  }

  error(expected: string): FormError {
    return new FormError(`expected ${expected} at character ${this.#at + 1}`)
  }

  #skipSpace(): void {
    this.#match(/\s+/y)
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0]
    this.#at += found?.length ?? 0
    return found
  }
}

/** A name as `Scanner.name` takes it: in backticks where it needs them. */
export function nameText(text: string): string {
  return onlyPlain.test(text) ? text : `\`${text.replaceAll('`', '``')}\``
}
