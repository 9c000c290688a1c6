import { annotatedSchema } from './json-schema.ts'
import type { JsonSchema } from './json-schema.ts'

/** One row of the table of all keys. */
export interface Field {
  /** `spec.mappings[].value.format`; `spec.sink.catalog.headers.*` for keys that the user names. */
  readonly path: string
  readonly type: string
  /** As it is written in a document; `required` where the key must be there, empty where nothing is the default. */
  readonly default: string
  readonly description: string
  /** `now`, or what is not available yet. */
  readonly availability: string
}

/** Every key of the document, in its order. */
export function fieldTable(): Field[] {
  return [...fieldsOf(annotatedSchema(), '', undefined)]
}

function* fieldsOf(schema: JsonSchema, above: string, inherited: JsonSchema['later']): Generator<Field> {
  for (const [key, child] of Object.entries(schema.properties ?? {})) {
    const path = above === '' ? key : `${above}.${key}`
    const later = inherited ?? child.later
    yield {
      path,
      type: typeName(child),
      default: schema.required?.includes(key) === true ? 'required' : defaultText(child.default),
      description: child.description ?? '',
      availability: availability(later),
    }
    if (child.writeOnly === true) continue
    const below = later === true ? later : undefined
    if (child.items === undefined) yield* fieldsOf(child, path, below)
    else yield* fieldsOf(child.items, `${path}[]`, below)
  }
}

function availability(later: JsonSchema['later']): string {
  if (later === undefined) return 'now'
  return later === true ? 'not yet' : `not yet: ${later.join(', ')}`
}

function defaultText(initial: unknown): string {
  return initial === undefined || (typeof initial === 'object' && !Array.isArray(initial)) ? '' : JSON.stringify(initial)
}

function typeName(schema: JsonSchema): string {
  if (schema.writeOnly === true) return 'secret'
  if (schema.enum !== undefined) return schema.enum.join(' | ')
  if (schema.anyOf !== undefined) return schema.anyOf.map(typeName).join(' | ')
  if (schema.items !== undefined) return `list of ${typeName(schema.items)}s`
  if (typeof schema.additionalProperties === 'object') return `mapping to ${typeName(schema.additionalProperties)}s`
  if (schema.type === 'object') return 'mapping'
  if (schema.type === 'integer') return 'whole number'
  return [schema.type ?? []].flat().join(' | ')
}
