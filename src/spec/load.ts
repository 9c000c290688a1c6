import type { Problem } from '../model/failure.ts'
import { withDependentDefaults } from './catalog-checks.ts'
import { checkedDocument } from './checked-document.ts'
import type { CheckedDocument, ProcessorDocument } from './document.ts'
import { expandEnvironment } from './environment.ts'
import type { Environment, Expanded } from './environment.ts'
import { findings } from './issues.ts'
import type { Finding } from './issues.ts'
import { isWithin, pathText, valueAt } from './path.ts'
import type { Path } from './path.ts'
import { documentError } from './problems.ts'
import type { Issue } from './schema-parts.ts'
import { secretsIn } from './secret.ts'
import { readYaml } from './yaml-source.ts'
import type { SourceValue } from './yaml-source.ts'

/** One document of a file: a value in YAML, or an item of a list there. */
interface Entry {
  readonly source: SourceValue
  readonly value: unknown
  /** Where the document begins within the source. */
  readonly base: Path
}

/**
 * Reads the documents in a file's text: YAML or JSON, one or several (parted by `---`, in a JSON array, or in a Kubernetes `List`).
 * `fileName` is for messages alone. Throws one DocumentError that tells everything that is wrong, each with its place.
 */
export function loadDocuments(text: string, fileName: string, environment: Environment): ProcessorDocument[] {
  const { values, problems: unreadable } = readYaml(text, fileName)
  if (unreadable.length > 0) throw documentError(unreadable)
  const entries = values.flatMap(entriesOf)
  if (entries.length === 0) throw documentError([{ path: '', file: fileName, message: 'expected at least one document, found none' }])

  const problems: Problem[] = []
  const documents: ProcessorDocument[] = []
  const names = new Map<string, number>()
  for (const [index, { source, value, base }] of entries.entries()) {
    const which = entries.length === 1 ? undefined : (nameOf(value) ?? String(index + 1))
    const report = ({ path, part, message }: Finding) => {
      problems.push({ path: pathText(path), message, file: fileName, ...source.placeOf([...base, ...path], part), document: which })
    }
    const { document, found } = check(value, environment)
    for (const finding of found) report(finding)
    if (document === undefined) continue
    const name = `${document.metadata.namespace}/${document.metadata.name}`
    const before = names.get(name)
    if (before === undefined) names.set(name, index + 1)
    else
      report({
        path: ['metadata', 'name'],
        part: 'value',
        message: `expected one document of this name in its namespace, found it in document ${before} too`,
      })
    for (const { path, secret } of secretsIn(document)) secret.locate({ file: fileName, document: which, path: pathText(path) })
    documents.push(withDependentDefaults(document))
  }
  if (problems.length > 0) throw documentError(problems.sort(byPlace))
  return documents
}

function byPlace(one: Problem, other: Problem): number {
  return one.line! - other.line! || one.column! - other.column!
}

function entriesOf(source: SourceValue): Entry[] {
  const { value } = source
  if (Array.isArray(value)) return value.map((item, index) => ({ source, value: item, base: [index] }))
  const items = valueAt(value, ['items'])
  if (valueAt(value, ['kind']) === 'List' && Array.isArray(items)) {
    return items.map((item, index) => ({ source, value: item, base: ['items', index] }))
  }
  return [{ source, value, base: [] }]
}

/** The name as it is written, where it can stand in a message. */
function nameOf(value: unknown): string | undefined {
  const name = valueAt(value, ['metadata', 'name'])
  return typeof name === 'string' && /^[A-Za-z0-9._-]{1,253}$/.test(name) ? name : undefined
}

function check(value: unknown, environment: Environment): { document?: CheckedDocument; found: Finding[] } {
  const expanded = expandEnvironment(value, environment)
  const unset: Finding[] = expanded.problems.map((problem) => ({ ...problem, part: 'value' }))
  const first = checkedDocument.safeParse(expanded.value)
  const coerced = first.success ? undefined : coerceFromEnvironment(first.error.issues, expanded)
  const result = coerced === undefined ? first : checkedDocument.safeParse(coerced)
  if (result.success && unset.length === 0) return { document: result.data, found: [] }
  const issues = result.success ? [] : result.error.issues
  const wrong = issues
    .flatMap((issue) => findings(issue, { value: coerced ?? expanded.value, origins: expanded.origins }))
    .filter((finding) => !unset.some((problem) => isWithin(finding.path, problem.path)))
  return { found: [...unset, ...wrong] }
}

/**
 * A string that is one reference and nothing else (`parallelism: ${N}`) stands for whatever the variable's text is: where a number or
 * a boolean was expected and the text is one, the value with these in place; undefined where there is no such place.
 */
function coerceFromEnvironment(issues: readonly Issue[], { value, origins }: Expanded): unknown {
  let coerced: unknown
  for (const issue of issues) {
    const path = issue.path as Path
    if ((issue.code !== 'invalid_type' && issue.code !== 'invalid_value') || !/^\$\{\w+\}$/.test(origins.get(pathText(path)) ?? ''))
      continue
    const text = valueAt(value, path)
    if (typeof text !== 'string' || !/^(true|false|-?[0-9]+(\.[0-9]+)?)$/.test(text)) continue
    const number = issue.code === 'invalid_value' ? issue.values.some((one) => typeof one === 'number') : issue.expected !== 'boolean'
    if (number === (text === 'true' || text === 'false')) continue
    coerced ??= structuredClone(value)
    const parent = valueAt(coerced, path.slice(0, -1)) as Record<string | number, unknown>
    parent[path.at(-1)!] = JSON.parse(text.replace(/^(-?)0+(?=[0-9])/, '$1'))
  }
  return coerced
}
