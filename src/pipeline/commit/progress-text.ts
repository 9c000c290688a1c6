import { parseJson, stringifyJson } from '../../formats/json/exact.ts'
import type { OffsetRange } from '../../model/offset-range.ts'
import { type DecidedSet, decidedSets, type Progress, progressOf } from '../../model/progress.ts'
import { type Frontier, type Frontiers, withFrontier } from '../../model/segment.ts'

/** `{"<source>": {"<topic>": {"<partition>": [[start, end), …]}}}`: ranges as arrays of two decimal numbers. Canonical: equal progress, equal text. */
export function encodeProgress(progress: Progress): string {
  const tree = newTree()
  for (const { source, at, ranges } of decidedSets(progress)) tree.set(source, at.topic, at.partition, ranges)
  return tree.encode()
}

/** Throws an Error that says what is wrong; `where` names the place the text was found in. */
export function decodeProgress(text: string, where: string): Progress {
  const sets: DecidedSet[] = []
  for (const [source, topics] of entries(parseJson(text, where), where)) {
    for (const [topic, partitions] of entries(topics, `${where}: ${source}`)) {
      for (const [partition, ranges] of entries(partitions, `${where}: ${source} ${topic}`)) {
        const place = `${where}: ${source} ${topic}/${partition}`
        if (!Array.isArray(ranges)) throw new Error(`${place}: expected a list of ranges`)
        sets.push({ source, at: { topic, partition: partitionOf(partition, place) }, ranges: ranges.map((range) => rangeOf(range, place)) })
      }
    }
  }
  try {
    return progressOf(sets)
  } catch (error) {
    throw new Error(`${where}: ${(error as Error).message}`, { cause: error })
  }
}

/** `{"<source>": {"<topic>": {"<partition>": [base offset, size, "etag", last modified ms, max timestamp ms | null]}}}` */
export function encodeFrontiers(frontiers: Frontiers): string {
  const tree = newTree()
  for (const [source, topics] of frontiers) {
    for (const [topic, partitions] of topics) {
      for (const [partition, at] of partitions) {
        tree.set(source, topic, partition, [at.baseOffset, at.size, at.etag, at.lastModifiedMs, at.maxTimestampMs])
      }
    }
  }
  return tree.encode()
}

/** Throws an Error as `decodeProgress` does. */
export function decodeFrontiers(text: string, where: string): Frontiers {
  let frontiers: Frontiers = new Map()
  for (const [source, topics] of entries(parseJson(text, where), where)) {
    for (const [topic, partitions] of entries(topics, where)) {
      for (const [partition, value] of entries(partitions, where)) {
        frontiers = withFrontier(frontiers, source, { topic, partition: partitionOf(partition, where) }, frontierFrom(value, where))
      }
    }
  }
  return frontiers
}

/** Objects without a prototype: `__proto__` is a legal topic name. */
function newTree() {
  const empty = () => Object.create(null) as object
  const tree = empty() as Record<string, Record<string, Record<string, unknown>>>
  return {
    set: (source: string, topic: string, partition: number, leaf: unknown) => {
      const topics = (tree[source] ??= empty() as Record<string, Record<string, unknown>>)
      const partitions = (topics[topic] ??= empty() as Record<string, unknown>)
      partitions[String(partition)] = leaf
    },
    encode: () => stringifyJson(tree),
  }
}

function frontierFrom(value: unknown, where: string): Frontier {
  const [base, size, etag, lastModifiedMs, maxTimestampMs] = Array.isArray(value) ? (value as unknown[]) : []
  const sound =
    typeof size === 'number' &&
    typeof etag === 'string' &&
    typeof lastModifiedMs === 'number' &&
    (maxTimestampMs === null || typeof maxTimestampMs === 'number')
  if (!sound) throw new Error(`${where}: a frontier is no [base offset, size, etag, last modified, max timestamp]`)
  return { baseOffset: integer(base, where), size, etag, lastModifiedMs, maxTimestampMs }
}

/** `01` and `1e0` would be other names of partition 1. */
function partitionOf(text: string, where: string): number {
  if (!/^(0|[1-9]\d{0,9})$/.test(text)) throw new Error(`${where}: expected a partition's number`)
  return Number(text)
}

function rangeOf(value: unknown, where: string): OffsetRange {
  if (!Array.isArray(value) || value.length !== 2) throw new Error(`${where}: a range is no [start, end)`)
  return [integer(value[0], where), integer(value[1], where)]
}

function integer(value: unknown, where: string): bigint {
  if (typeof value === 'bigint') return value
  if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value)
  throw new Error(`${where}: expected a whole number`)
}

function entries(value: unknown, where: string): [string, unknown][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(`${where}: expected an object`)
  return Object.entries(value)
}
