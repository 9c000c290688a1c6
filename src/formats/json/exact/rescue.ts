/** The rescue column: what a row's other columns do not say, as one JSON object from normalized path to original text. */

/** How a value is reached from the one around it: a member's name, an element's index, the key of a map's entry. */
export type Step = string | number | { readonly mapKey: string }

/** What became of a document that became a row. */
export interface Kept {
  /** The rescue column's text, UTF-8; null where the other columns say all. */
  readonly rescue: Uint8Array | null
  /** A path for each value that was rescued, in the rescue text's order; `[*]` stands for indexes and map keys. Nulls of known members are left out. */
  readonly paths: readonly string[]
}

/** What could not be put into columns of one document. Entries come in any order; they are kept in the document's. */
export class Rescue {
  readonly #entries: { readonly at: number; readonly member: string; readonly path: string | null }[] = []

  /**
   * A value that a column can not hold, or holds not exactly, or that has no column. `at`: where in the document it stands; `text`: as
   * it stands there.
   */
  add(steps: readonly Step[], at: number, text: string): void {
    this.#entries.push({ at, member: member(normalizedPath(steps), text), path: countedPath(steps) })
  }

  /** A null of a member that has a column, or columns beneath it: so it is told from a member that is not there. */
  addNull(steps: readonly Step[], at: number): void {
    this.#entries.push({ at, member: member(normalizedPath(steps), 'null'), path: null })
  }

  kept(): Kept {
    if (this.#entries.length === 0) return { rescue: null, paths: [] }
    this.#entries.sort((a, b) => a.at - b.at)
    return {
      rescue: Buffer.from(`{${this.#entries.map((entry) => entry.member).join(',')}}`),
      paths: this.#entries.flatMap(({ path }) => path ?? []),
    }
  }
}

/** A whole record that is no JSON object, or one without members. */
export function rescuedWhole(text: string): Kept {
  return { rescue: Buffer.from(`{${member('$', text)}}`), paths: ['$'] }
}

/** A whole record that is not UTF-8. */
export function rescuedBytes(bytes: Uint8Array): Kept {
  return { rescue: Buffer.from(`{"$":{"$base64":"${Buffer.from(bytes).toString('base64')}"}}`), paths: ['$'] }
}

/** The normalized path of a value (RFC 9535 section 2.7). Lone surrogates, which it has no place for, are escaped as control characters are. */
export function normalizedPath(steps: readonly Step[]): string {
  return `$${steps.map((step) => (typeof step === 'number' ? `[${step}]` : name(typeof step === 'string' ? step : step.mapKey))).join('')}`
}

function countedPath(steps: readonly Step[]): string {
  return `$${steps.map((step) => (typeof step === 'string' ? name(step) : '[*]')).join('')}`
}

const escapes: Readonly<Record<string, string>> = {
  "'": "\\'",
  '\\': '\\\\',
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\f': '\\f',
  '\r': '\\r',
}

function name(step: string): string {
  // oxlint-disable-next-line no-control-regex
  const escaped = step.replaceAll(/['\\\u0000-\u001f]|\p{Surrogate}/gu, (found) => escapes[found] ?? `\\u${hex(found)}`)
  return `['${escaped}']`
}

function hex(unit: string): string {
  return unit.charCodeAt(0).toString(16).padStart(4, '0')
}

function member(path: string, text: string): string {
  return `${JSON.stringify(path)}:${JSON.stringify(text)}`
}
