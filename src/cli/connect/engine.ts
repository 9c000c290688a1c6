import type { ConnectTarget } from './target.ts'

/** What is pasted in one place. */
export interface Block {
  /** Where it goes: `SQL`, `Python`, `etc/catalog/kafscale.properties`. */
  readonly where: string
  readonly text: string
}

/** An engine that may query the tables. Pure. */
export interface Engine {
  readonly title: string
  /** What to paste, or why there is nothing: a sentence that says which way there is. */
  connect(target: ConnectTarget): readonly Block[] | string
}

/** A string constant of SQL. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/** A string constant of Python. */
export function pythonString(text: string): string {
  return JSON.stringify(text)
}

/** A name in SQL, between quotation marks of the engine's kind. */
export function identifier(name: string, mark: '"' | '`' = '"'): string {
  return mark + name.replaceAll(mark, mark + mark) + mark
}

/** Of each byte column, the column itself as text beside it; `decode` makes the expression. Empty where there is none. */
export function textColumns(bytes: readonly string[], decode: (column: string) => string, mark: '"' | '`' = '"'): string {
  return bytes.map((name) => `, ${decode(identifier(name, mark))} AS ${identifier(`${name}_text`, mark)}`).join('')
}

/** Lines without those that are absent. */
export function linesOf(...lines: readonly (string | false | undefined)[]): string {
  return lines.filter((line) => line !== false && line !== undefined).join('\n')
}
