import { pathText } from './path.ts'
import type { Path } from './path.ts'

export type Environment = Readonly<Record<string, string | undefined>>

export interface Expanded {
  readonly value: unknown
  /** The text as it was written of each string that took something from the environment, by path text. */
  readonly origins: ReadonlyMap<string, string>
  readonly problems: readonly { readonly path: Path; readonly message: string }[]
}

/** Text with a reference somewhere within, as a regular expression of JSON Schema. */
export const referencePattern = String.raw`\$\{[A-Za-z_][A-Za-z0-9_]*\}`

/** `$${` (a literal `${`), a reference, or a `${` that is no reference. */
const reference = /\$\$\{|\$\{(?:([A-Za-z_][A-Za-z0-9_]*)\})?/g

/**
 * Puts environment variables in place of `${NAME}` in every string of a parsed document, and `${` in place of `$${`. What a
 * variable holds is not looked at again. Labels and annotations stay as they are: they are Kubernetes' own, and one of them
 * (`last-applied-configuration`) quotes the whole document, whose secrets must not come to stand there.
 */
export function expandEnvironment(document: unknown, environment: Environment): Expanded {
  const origins = new Map<string, string>()
  const problems: { path: Path; message: string }[] = []

  function expandText(text: string, path: Path): string {
    const before = problems.length
    let substituted = false
    const expanded = text.replaceAll(reference, (found, name: string | undefined) => {
      if (found === '$${') return '${'
      if (name === undefined) {
        problems.push({
          path,
          message: 'expected a variable as ${NAME} after a dollar sign and a brace; for these two characters themselves, write $${',
        })
        return found
      }
      const value = Object.hasOwn(environment, name) ? environment[name] : undefined
      if (value === undefined) problems.push({ path, message: `expected environment variable ${name} to be set, and it is not` })
      substituted = true
      return value ?? ''
    })
    if (problems.length > before) return text
    if (substituted) origins.set(pathText(path), text)
    return expanded
  }

  function expand(value: unknown, path: Path): unknown {
    if (typeof value === 'string') return expandText(value, path)
    if (Array.isArray(value)) return value.map((item, index) => expand(item, [...path, index]))
    if (typeof value !== 'object' || value === null || isKubernetesOwn(path)) return value
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, expand(item, [...path, key])]))
  }

  const value = expand(document, [])
  return { value, origins, problems }
}

function isKubernetesOwn(path: Path): boolean {
  return path.length === 2 && path[0] === 'metadata' && (path[1] === 'labels' || path[1] === 'annotations')
}
