import { isReservedColumn, longestName } from './column-name.ts'
import { normalizeName } from './table-name.ts'

/**
 * The names that columns get where only the keys of documents are known: the rule of `normalizeName`, `_` for a key without
 * characters, cut to 255. A name that is reserved, taken or given already gets `_2`, `_3` and so on behind it: in the order of the
 * keys, after those keys that are names as they stand. Each name comes at its key's place.
 *
 * @param keys of one level of the documents, each once.
 * @param taken names that others have; case counts for nothing.
 */
export function columnNames(keys: readonly string[], taken: ReadonlySet<string>): string[] {
  const used = new Set([...taken].map((name) => name.toLowerCase()))
  const isFree = (name: string) => !used.has(name) && !isReservedColumn(name)
  const names = keys.map(plainName)
  const isOwn = keys.map((key, i) => key === names[i] && isFree(key))
  for (const [i, own] of isOwn.entries()) if (own) used.add(names[i])
  const tried = new Map<string, number>()
  for (const [i, plain] of names.entries()) {
    if (isOwn[i]) continue
    let name = plain
    for (let n = tried.get(plain) ?? 2; !isFree(name); n++) {
      name = `${plain.slice(0, longestName - String(n).length - 1)}_${n}`
      tried.set(plain, n + 1)
    }
    used.add(name)
    names[i] = name
  }
  return names
}

function plainName(key: string): string {
  return normalizeName(key).slice(0, longestName) || '_'
}
