import { columnTypeText, hasTime } from '../../spec/column-type.ts'
import type { ValueColumn } from '../../spec/value-column.ts'
import { valuePathText } from '../../spec/value-path.ts'
import { contradiction } from './refusal.ts'

const aspects: readonly (readonly [string, (column: ValueColumn) => string])[] = [
  ['type', ({ type }) => columnTypeText(type)],
  ['path', ({ path }) => valuePathText(path)],
  ['unit', ({ type, unit }) => (hasTime(type) ? unit : 'none')],
  ['required', ({ required }) => String(required)],
]

/**
 * Compares the columns that a document declares with those that were chosen when the table was created. It may also say what they
 * became since: a type that was widened, a column that may be null by now, one that was dropped.
 * Throws a Refusal that names both.
 *
 * @param current the chosen columns that the table still has, by name, with its types.
 */
export function checkDeclared(
  declared: readonly ValueColumn[],
  chosen: readonly ValueColumn[],
  current: ReadonlyMap<string, ValueColumn>,
): void {
  const key = 'value.columns'
  for (const column of declared) {
    const before = chosen.find(({ name }) => name === column.name)
    if (before === undefined) throw contradiction(`column ${column.name}`, 'none', columnTypeText(column.type), key)
    const now = current.get(column.name) ?? before
    for (const [aspect, of] of aspects) {
      const wanted = of(column)
      if (wanted !== of(before) && wanted !== of(now)) throw contradiction(`${aspect} of column ${column.name}`, of(before), wanted, key)
    }
  }
  for (const { name, type } of chosen) {
    if (current.has(name) && !declared.some((column) => column.name === name)) {
      throw contradiction(`column ${name}`, columnTypeText(type), 'none', key)
    }
  }
}
