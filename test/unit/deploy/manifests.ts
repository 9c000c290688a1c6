import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'

export const deploy = join(import.meta.dirname, '../../../deploy')

/** Any value of a manifest. */
export type Manifest = Record<string, any>

/** The manifests of a file. Throws where one is not YAML. */
export function readManifests(file: string): Manifest[] {
  return parseAllDocuments(readFileSync(file, 'utf8')).flatMap((document) => {
    if (document.errors.length > 0) throw document.errors[0]
    return document.contents === null ? [] : [document.toJS() as Manifest]
  })
}

/** All manifests that a kustomization makes, the ones that it builds on included. */
export function kustomized(directory: string): Manifest[] {
  const [kustomization] = readManifests(join(directory, 'kustomization.yaml'))
  const resources = kustomization.resources as string[]
  return resources.flatMap((name) => (name.endsWith('.yaml') ? readManifests(join(directory, name)) : kustomized(join(directory, name))))
}

/**
 * Wraps a value so that reading it is noticed, and tells what was never read: a key that no schema knows. Lists are looked at by index.
 */
export function watched(value: Manifest): { readonly value: Manifest; unread(): string[] } {
  const read = new Set<string>()
  const wrap = (at: unknown, path: string): unknown => {
    if (typeof at !== 'object' || at === null) return at
    return new Proxy(at, {
      get(target, key) {
        const child: unknown = Reflect.get(target, key)
        if (typeof key === 'symbol' || !Object.hasOwn(target, key)) return child
        read.add(`${path}.${key}`)
        return wrap(child, `${path}.${key}`)
      },
    })
  }
  function* all(at: unknown, path: string): Generator<string> {
    if (typeof at !== 'object' || at === null) return
    for (const [key, child] of Object.entries(at)) {
      if (!read.has(`${path}.${key}`)) yield `${path}.${key}`
      else yield* all(child, `${path}.${key}`)
    }
  }
  return { value: wrap(value, '') as Manifest, unread: () => [...all(value, '')] }
}
