import { quoted } from './wording.ts'

/** Keys and list indexes that lead from a document's root to a value. */
export type Path = readonly (string | number)[]

/** A key longer than this is cut in a message. */
const longestKey = 80

/** `spec.source.topics[0]`; a key that is no plain word stands quoted: `metadata.labels["app.kubernetes.io/name"]`. */
export function pathText(path: Path): string {
  let text = ''
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`
    else if (/^[A-Za-z_][A-Za-z0-9_-]*$/.test(step) && step.length <= longestKey) text += text === '' ? step : `.${step}`
    else text += `[${quoted(step, longestKey)}]`
  }
  return text
}

/** Whether `path` is `ancestor` or lies beneath it. */
export function isWithin(path: Path, ancestor: Path): boolean {
  return ancestor.length <= path.length && ancestor.every((step, index) => step === path[index])
}

/** What lies at `path` in plain data; undefined where nothing does. */
export function valueAt(value: unknown, path: Path): unknown {
  let at = value
  for (const step of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return undefined
    at = (at as Record<string | number, unknown>)[step]
  }
  return at
}
