import { documentSchema } from './document.ts'
import { referencePattern } from './environment.ts'
import type { Path } from './path.ts'
import { toJsonSchema } from './schema-parts.ts'

/** The part of JSON Schema that our schema uses, and the keys that say what can be used yet. */
export interface JsonSchema {
  readonly $schema?: string
  readonly $ref?: string
  readonly title?: string
  readonly type?: string | readonly string[]
  readonly description?: string
  readonly default?: unknown
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly pattern?: string
  readonly writeOnly?: boolean
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | JsonSchema
  readonly propertyNames?: JsonSchema
  readonly items?: JsonSchema
  readonly anyOf?: readonly JsonSchema[]
  readonly definitions?: Readonly<Record<string, JsonSchema>>
  /** True: the key must stand at its default for now. A list: these values must not be chosen for now. */
  readonly later?: true | readonly unknown[]
  /** What to do as long as that is so. */
  readonly instead?: string
  /** A process that serves the document can not go over to another value: it must be started anew. */
  readonly restart?: true
}

let annotated: JsonSchema | undefined

/** The document's schema with `later`, `instead` and `restart` in it: what this program itself asks. */
export function annotatedSchema(): JsonSchema {
  annotated ??= toJsonSchema(documentSchema) as JsonSchema
  return annotated
}

/** The schema of what lies at `path`; undefined where the document has no such place. */
export function schemaAt(path: Path): JsonSchema | undefined {
  let at: JsonSchema | undefined = annotatedSchema()
  for (const step of path) {
    const schema: JsonSchema | undefined = at === undefined ? undefined : structure(at)
    if (typeof step === 'number') at = schema?.items
    else if (schema?.properties !== undefined) at = Object.hasOwn(schema.properties, step) ? schema.properties[step] : undefined
    else at = typeof schema?.additionalProperties === 'object' ? schema.additionalProperties : undefined
  }
  return at
}

/** Of a schema with alternatives, the one that is a mapping. */
function structure(schema: JsonSchema): JsonSchema {
  return schema.anyOf?.find((one) => one.properties !== undefined) ?? schema
}

/**
 * The schema for editors and other programs (draft 7). Where a number, a word or a boolean is expected, it takes `${NAME}` too, as
 * the loader does; what several keys must have in common is left to the loader.
 */
export function publishedSchema(): JsonSchema {
  const { title, description, type, properties, required, additionalProperties } = annotatedSchema()
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title,
    description,
    type,
    properties: publishedProperties(properties!),
    required,
    additionalProperties,
    definitions: { environment: { type: 'string', pattern: referencePattern, description: 'A value from the environment.' } },
  }
}

function publishedProperties(properties: Readonly<Record<string, JsonSchema>>): Record<string, JsonSchema> {
  return Object.fromEntries(Object.entries(properties).map(([key, schema]) => [key, published(schema)]))
}

function published(schema: JsonSchema): JsonSchema {
  const {
    later,
    instead: _instead,
    restart: _restart,
    propertyNames: _names,
    description,
    default: initial,
    properties,
    items,
    additionalProperties,
    anyOf,
    ...rest
  } = schema
  const said = later === undefined ? description : [description, availability(later)].join(' ')
  const about = { ...(said !== undefined && { description: said }), ...(isPlain(initial) && { default: initial }) }
  if ((rest.enum?.length ?? 0) > 1 || rest.type === 'number' || rest.type === 'integer' || rest.type === 'boolean') {
    return { ...about, anyOf: [rest, { $ref: '#/definitions/environment' }] }
  }
  return {
    ...about,
    ...rest,
    ...(properties !== undefined && { properties: publishedProperties(properties) }),
    ...(items !== undefined && { items: published(items) }),
    ...(additionalProperties !== undefined && {
      additionalProperties: typeof additionalProperties === 'object' ? published(additionalProperties) : additionalProperties,
    }),
    ...(anyOf !== undefined && {
      anyOf: anyOf.some(isText) ? anyOf.map((one) => (one.properties === undefined ? one : published(one))) : anyOf.map(published),
    }),
  }
}

function isText(schema: JsonSchema): boolean {
  return schema.type === 'string'
}

/** The defaults of mappings are those of their keys, which say it themselves. */
function isPlain(initial: unknown): boolean {
  return initial !== undefined && (typeof initial !== 'object' || Array.isArray(initial))
}

/** `Not available yet.`, or which values are not. */
function availability(later: NonNullable<JsonSchema['later']>): string {
  return later === true ? 'Not available yet.' : `Not available yet: ${later.join(', ')}.`
}
