import type { Profiler } from 'node:inspector'

/** A function in a place of the call tree, with what it and all below it took. */
export interface Frame {
  readonly name: string
  readonly part: Part
  /** Of the function's own code, microseconds. */
  readonly selfMicros: number
  readonly totalMicros: number
  readonly children: readonly Frame[]
}

/** What the time of the hot path is told as. */
export type Part = (typeof parts)[number]['name'] | 'the rest'

/** In the order of the look-up: the first that a function, or whoever called it, belongs to. `at`: in its file's path, or its name. */
export const parts = [
  { name: 'zstd', at: /node:zlib/, color: '#e0803a' },
  { name: 'CRC-32C', at: /formats\/bytes\/crc32c/, color: '#a7a33a' },
  { name: 'record framing', at: /formats\/(kafka|kfs)\//, color: '#c9b458' },
  { name: 'JSON to columns', at: /formats\/json\//, color: '#5a9bd4' },
  { name: 'Kafka columns', at: /decode\/table-columns/, color: '#7fc6a4' },
  { name: 'Parquet pages', at: /formats\/parquet\//, color: '#d46a6a' },
  { name: 'garbage collection', at: /^\(garbage collector\)/, color: '#999999' },
] as const

/**
 * The call tree of a profile: the functions of this project, of zlib, and generated ones. What Node does between them counts to their
 * callers, time in which nothing ran to nobody.
 */
export function callTree({ nodes, samples, timeDeltas }: Profiler.Profile): Frame {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const self = new Map<number, number>()
  samples?.forEach((id, i) => self.set(id, (self.get(id) ?? 0) + (timeDeltas?.[i] ?? 0)))

  interface Open {
    name: string
    part: Part
    selfMicros: number
    children: Map<string, Open>
  }
  const root: Open = { name: 'all', part: 'the rest', selfMicros: 0, children: new Map() }
  const walk = (id: number, into: Open) => {
    const { callFrame, children = [] } = byId.get(id)!
    const { functionName, url } = callFrame
    if (functionName === '(idle)') return
    const part = parts.find(({ at }) => at.test(url === '' ? functionName : url))?.name
    // Generated code has no file.
    const isShown = part !== undefined || url.includes('/src/') || (url === '' && /^(level|list|map|member)\d+$/.test(functionName))
    let at = into
    if (isShown) {
      const name = `${functionName || '(anonymous)'} ${url.replace(/^.*\/src\//, '')}`.trim()
      at = into.children.get(name) ?? { name, part: part ?? into.part, selfMicros: 0, children: new Map() }
      into.children.set(name, at)
    }
    at.selfMicros += self.get(id) ?? 0
    for (const child of children) walk(child, at)
  }
  walk(nodes[0].id, root)

  const close = (open: Open): Frame => {
    const children = [...open.children.values()].map(close).toSorted((a, b) => b.totalMicros - a.totalMicros)
    const totalMicros = children.reduce((sum, child) => sum + child.totalMicros, open.selfMicros)
    return { name: open.name, part: open.part, selfMicros: open.selfMicros, totalMicros, children }
  }
  return close(root)
}

/** What each part took, microseconds, the largest first. */
export function partsOf(root: Frame): [Part, number][] {
  const sums = new Map<Part, number>()
  const add = ({ part, selfMicros, children }: Frame) => {
    sums.set(part, (sums.get(part) ?? 0) + selfMicros)
    children.forEach(add)
  }
  add(root)
  return [...sums].toSorted((a, b) => b[1] - a[1])
}
