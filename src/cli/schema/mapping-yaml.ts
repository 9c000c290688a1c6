import type { MappingEntry } from './mapping-entry.ts'

/** Lines of YAML for entries of `mappings`, indented as they stand beneath `spec`. */
export function mappingLines(entries: readonly MappingEntry[]): string[] {
  return entries.flatMap(({ value, ...settings }) => {
    const lines = Object.entries(settings).map(([key, setting], i) => `${i === 0 ? '    - ' : '      '}${key}: ${flow(setting)}`)
    if (value.columns === undefined) return [...lines, `      value: ${flow(value)}`]
    const columns = value.columns.map((column) => `          - ${flow(column)}`)
    return [...lines, '      value:', `        format: ${flow(value.format)}`, '        columns:', ...columns]
  })
}

/** A value in one line. */
function flow(value: unknown): string {
  if (typeof value === 'string') return scalar(value)
  if (Array.isArray(value)) return `[${value.map(flow).join(', ')}]`
  if (typeof value !== 'object' || value === null) return String(value)
  const members = Object.entries(value).map(([key, member]) => `${key}: ${flow(member)}`)
  return `{${members.join(', ')}}`
}

/** What YAML 1.1 and 1.2 take for something else than text, whatever its case. */
const notText = /^(?:true|false|yes|no|on|off|y|n|null)$/i

/** Text as it is where YAML takes it so, else in double quotes, where all that can not be seen is escaped. */
function scalar(text: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_.-]*$/.test(text) && !notText.test(text)) return text
  return JSON.stringify(text).replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, escaped)
}

function escaped(character: string): string {
  return Array.from({ length: character.length }, (_, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`).join('')
}
