import { flow } from '../yaml-text.ts'
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
