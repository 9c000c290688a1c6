import { isDeepStrictEqual } from 'node:util'
import type { ProcessorDocument } from './document.ts'
import { annotatedSchema, type JsonSchema, schemaAt } from './json-schema.ts'
import { type Path, pathText } from './path.ts'
import { Secret } from './secret.ts'

/** A key that differs, and whether a process that serves the document can go over to the new value. */
export interface DocumentChange {
  readonly path: string
  readonly effect: 'live' | 'restart'
}

/** What became of the documents of a file; documents are known by namespace and name. */
export interface Reload {
  /** Documents with other content, each with all that differs. */
  readonly changed: readonly { readonly name: string; readonly document: ProcessorDocument; readonly changes: readonly DocumentChange[] }[]
  readonly added: readonly string[]
  readonly removed: readonly string[]
}

/** Compares the documents that are served with those that a file holds now. Pure. */
export function compareDocuments(served: readonly ProcessorDocument[], found: readonly ProcessorDocument[]): Reload {
  const before = new Map(served.map((document) => [documentName(document), document]))
  const after = new Map(found.map((document) => [documentName(document), document]))
  return {
    changed: [...after].flatMap(([name, document]) => {
      const old = before.get(name)
      const changes = old === undefined ? [] : documentChanges(old, document)
      return changes.length === 0 ? [] : [{ name, document, changes }]
    }),
    added: [...after.keys()].filter((name) => !before.has(name)),
    removed: [...before.keys()].filter((name) => !after.has(name)),
  }
}

/** `namespace/name`. */
export function documentName({ metadata }: ProcessorDocument): string {
  return `${metadata.namespace}/${metadata.name}`
}

/** Every key that differs; lists as a whole. Secrets differ by what is written: what a file holds is read anew anyway. Pure. */
export function documentChanges(before: ProcessorDocument, after: ProcessorDocument): DocumentChange[] {
  return [...differences(before, after, [])].map((path) => ({ path: pathText(path), effect: effectAt(path) }))
}

function* differences(before: unknown, after: unknown, path: Path): Generator<Path> {
  if (before instanceof Secret && after instanceof Secret) {
    if (!before.isWrittenAs(after)) yield path
  } else if (isMapping(before) && isMapping(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
      yield* differences(before[key], after[key], [...path, key])
    }
  } else if (!isDeepStrictEqual(before, after)) yield path
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Secret)
}

/** A key that is marked, stands within one that is, or has one within: it needs a restart. */
function effectAt(path: Path): DocumentChange['effect'] {
  const marked = path.some((_, depth) => schemaAt(path.slice(0, depth + 1))?.restart === true) || hasMark(schemaAt(path))
  return marked ? 'restart' : 'live'
}

function hasMark(schema: JsonSchema | undefined): boolean {
  return schema !== undefined && (schema.restart === true || Object.values(schema.properties ?? {}).some(hasMark))
}

/** The paths of the keys that need a restart, in the document's order. */
export function restartKeys(): string[] {
  return [...marks(annotatedSchema(), '')]
}

function* marks(schema: JsonSchema, above: string): Generator<string> {
  for (const [key, child] of Object.entries(schema.properties ?? {})) {
    const path = above === '' ? key : `${above}.${key}`
    if (child.restart === true) yield path
    else yield* marks(child, path)
  }
}
