import type { RecordShape } from '../shape.ts'

/** Where columns stand in a document: an object whose members are columns, or groups again. A column is its index. */
export type Group = ReadonlyMap<string, Group | number>

type GrowingGroup = Map<string, GrowingGroup | number>

/** The groups of a shape's paths, from the document's root. */
export function groupsOf({ columns }: RecordShape): Group {
  const root: GrowingGroup = new Map()
  columns.forEach(({ path }, index) => {
    let group = root
    for (const key of path.slice(0, -1)) {
      const next = group.get(key) ?? new Map<string, GrowingGroup | number>()
      if (typeof next === 'number') throw new TypeError(`two columns meet at ${JSON.stringify(path)}`)
      group.set(key, next)
      group = next
    }
    const last = path.at(-1)
    if (last === undefined || group.has(last)) throw new TypeError(`two columns meet at ${JSON.stringify(path)}`)
    group.set(last, index)
  })
  return root
}
