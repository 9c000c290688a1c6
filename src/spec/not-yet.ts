import { isDeepStrictEqual } from 'node:util'
import type { Problem } from '../model/failure.ts'
import type { ProcessorDocument } from './document.ts'
import { annotatedSchema } from './json-schema.ts'
import type { JsonSchema } from './json-schema.ts'
import { pathText } from './path.ts'
import type { Path } from './path.ts'
import { enumerated } from './wording.ts'

/** What a document asks for that `run` can not do yet: each with its path and with what works instead. Pure. */
export function notYet(document: ProcessorDocument): Problem[] {
  return [...within(document, annotatedSchema(), [])].map(({ path, message }) => ({
    document: document.metadata.name,
    path: pathText(path),
    message,
  }))
}

function* within(value: unknown, schema: JsonSchema, path: Path): Generator<{ path: Path; message: string }> {
  if (value === undefined || (schema.default !== undefined && isDeepStrictEqual(value, schema.default))) return
  const { later, instead } = schema
  if (later === true) {
    yield { path, message: `not available yet; ${instead}` }
  } else if ((typeof value === 'string' || typeof value === 'number') && later?.includes(value) === true) {
    const open = [...(schema.enum ?? [])].filter((one) => !later.includes(one))
    yield {
      path,
      message: `${value} is not available yet; ${instead ?? `${enumerated(open, 'and')} ${open.length === 1 ? 'works' : 'work'}`}`,
    }
  } else if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) if (schema.items !== undefined) yield* within(item, schema.items, [...path, index])
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, child] of Object.entries(schema.properties ?? {})) {
      yield* within((value as Record<string, unknown>)[key], child, [...path, key])
    }
  }
}
