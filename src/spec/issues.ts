import { annotatedSchema, schemaAt } from './json-schema.ts'
import type { JsonSchema } from './json-schema.ts'
import { nearest } from './nearest.ts'
import { pathText, valueAt } from './path.ts'
import type { Path } from './path.ts'
import type { Issue } from './schema-parts.ts'
import { enumerated, quoted } from './wording.ts'

/** A problem with its path as steps, and whether it is about the key there or about the value. */
export interface Finding {
  readonly path: Path
  readonly part: 'key' | 'value'
  readonly message: string
}

/** What the issues are about: the value that was checked, and what was written where it took something from the environment. */
export interface Checked {
  readonly value: unknown
  readonly origins: ReadonlyMap<string, string>
}

/** Turns an issue of the schema into sentences for people. */
export function findings(issue: Issue, checked: Checked, above: Path = []): Finding[] {
  const path = [...above, ...issue.path] as Path
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: [...path, key], part: 'key', message: unknownKey(path, key) }))
  }
  if (issue.code === 'invalid_union') {
    // Of the alternatives, the one that the user seems to have meant: the mapping, where there is one.
    const mapping = issue.errors.find((issues) => issues.every((one) => one.path.length > 0 || one.code === 'unrecognized_keys'))
    if (mapping !== undefined && mapping.length > 0) return mapping.flatMap((one) => findings(one, checked, path))
  }
  if (issue.code === 'custom' && issue.params?.['whole'] === true) return [{ path, part: 'key', message: issue.message }]
  const detail: unknown = issue.code === 'custom' ? issue.params?.['detail'] : undefined
  return [{ path, part: 'value', message: expectation(issue.message, path, checked, detail) }]
}

function expectation(expected: string, path: Path, { value, origins }: Checked, detail?: unknown): string {
  const found = valueAt(value, path)
  const schema = schemaAt(path)
  if (found === undefined) return `missing; expected ${expected}`
  const origin = origins.get(pathText(path))
  // What came from the environment is not quoted: it may well be a secret at the wrong place.
  if (origin !== undefined) return `expected ${expected}, found what ${quoted(origin)} stands for`
  const exactly = typeof detail === 'string' ? ` (${detail})` : ''
  return `expected ${expected}${exactly}, found ${description(found, schema)}${suggestion(found, schema)}`
}

/** Quotes numbers, booleans and strings that stand where one of these is expected; nothing else, since a secret could be within. */
function description(found: unknown, schema: JsonSchema | undefined): string {
  if (found === null) return 'nothing (null)'
  if (Array.isArray(found)) return found.length === 0 ? 'an empty list' : 'a list'
  if (typeof found === 'object') return 'a mapping'
  if (found === '') return 'an empty string'
  if (isQuotable(schema)) return typeof found === 'string' ? quoted(withoutPassword(found)) : JSON.stringify(found)
  return `a ${typeof found}`
}

function isQuotable(schema: JsonSchema | undefined): boolean {
  if (schema === undefined || schema.writeOnly === true) return false
  const branches = schema.anyOf ?? [schema]
  return branches.every((one) => one.properties === undefined && one.items === undefined && one.additionalProperties === undefined)
}

function withoutPassword(text: string): string {
  return text.replace(/^(.*?:\/\/)?.*@/s, '$1***@')
}

function suggestion(found: unknown, schema: JsonSchema | undefined): string {
  const wantsText = schema?.writeOnly === true || schema?.type === 'string'
  if (wantsText && (typeof found === 'number' || typeof found === 'boolean')) return '; quotes make it a string'
  if (typeof found !== 'string' || schema?.enum === undefined) return ''
  const meant = nearest(
    found,
    schema.enum.filter((one) => typeof one === 'string'),
  )
  return meant === undefined ? '' : `; did you mean ${meant}?`
}

function unknownKey(path: Path, key: string): string {
  const known = Object.keys(schemaAt(path)?.properties ?? objectAlternative(schemaAt(path)))
  const meant = nearest(key, known)
  if (meant !== undefined) return `unknown key; did you mean ${meant}?`
  const elsewhere = findKey(annotatedSchema(), key, [])
  if (elsewhere !== undefined) return `unknown key; did you mean ${elsewhere}?`
  return `unknown key; expected ${enumerated(known, 'or')}`
}

function objectAlternative(schema: JsonSchema | undefined): Readonly<Record<string, JsonSchema>> {
  return schema?.anyOf?.find((one) => one.properties !== undefined)?.properties ?? {}
}

/** Where else in a document a key of this name stands; the first place counts. */
function findKey(schema: JsonSchema, key: string, path: readonly string[]): string | undefined {
  const properties = schema.properties ?? {}
  if (Object.hasOwn(properties, key)) return [...path, key].join('.')
  for (const [name, child] of Object.entries(properties)) {
    const found = findKey(child.items ?? child, key, [...path, child.items === undefined ? name : `${name}[]`])
    if (found !== undefined) return found
  }
  return undefined
}
