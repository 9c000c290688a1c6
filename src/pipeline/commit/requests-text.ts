import { expectList, expectObject, expectString, type JsonObject } from '../../formats/json/expect.ts'
import { parseJson, stringifyJson } from '../../formats/json/exact.ts'
import { type Backfill, isEnded } from '../../model/backfill.ts'
import { normalizeRanges, type OffsetRange, type OffsetRanges } from '../../model/offset-range.ts'
import { noRequests, type Requests, withAccepted, withPaused } from '../../model/requests.ts'

/**
 * `{"pause": ["<topic>", …], "accept": ["<snapshot id>", …], "abandonedUpTo": "<sequence number>", "backfill": [{"id", "topic", "state",
 * "by", "source", "newestFirst", "ranges": {"<partition>": [["<start>", "<end>"], …]}}, …]}`: numbers as decimal strings. What asks nothing is left
 * out, and keys of a newer version stay. Canonical: equal requests, equal text.
 */
export function encodeRequests({ pause, accept, abandonedUpTo, backfills, others }: Requests): string {
  return stringifyJson({
    ...(pause.length > 0 && { pause }),
    ...(accept.length > 0 && { accept: accept.map(String) }),
    ...(abandonedUpTo !== null && { abandonedUpTo: String(abandonedUpTo) }),
    ...(backfills.length > 0 && { backfill: backfills.map(encodeBackfill) }),
    ...others,
  })
}

/** Throws an Error that says what is wrong; `where` names the place the text was found in. */
export function decodeRequests(text: string, where: string): Requests {
  const { pause, accept, abandonedUpTo, backfill, ...others }: JsonObject = expectObject(parseJson(text, where), where)
  const paused = withPaused({ ...noRequests, others }, listOf(pause, `${where}: pause`, expectString))
  return {
    ...withAccepted(paused, listOf(accept, `${where}: accept`, decimal)),
    abandonedUpTo: abandonedUpTo === undefined ? null : decimal(abandonedUpTo, `${where}: abandonedUpTo`),
    backfills: listOf(backfill, `${where}: backfill`, decodeBackfill),
  }
}

function encodeBackfill({ id, topic, source, ranges, newestFirst, by, state }: Backfill): JsonObject {
  const partitions = [...ranges].map(([partition, wanted]) => [partition, wanted.map((range) => range.map(String))] as const)
  // What has ended is remembered by name: every snapshot carries this text.
  const ended = { id, topic, state, by, ...(source !== undefined && { source }) }
  if (isEnded({ state })) return ended
  return { ...ended, ...(newestFirst && { newestFirst }), ranges: Object.fromEntries(partitions) }
}

function decodeBackfill(value: unknown, place: string): Backfill {
  const { id, topic, state, by, source, newestFirst, ranges } = expectObject(value, place)
  const partitions = Object.entries(expectObject(ranges ?? {}, `${place}.ranges`)).map(([partition, wanted]): [number, OffsetRanges] => {
    const at = `${place}.ranges.${partition}`
    if (!/^(0|[1-9]\d{0,9})$/.test(partition)) throw new Error(`${at}: expected a partition's number`)
    return [Number(partition), normalizeRanges(listOf(wanted, at, decodeRange))]
  })
  return {
    id: expectString(id, `${place}.id`),
    topic: expectString(topic, `${place}.topic`),
    ...(source !== undefined && { source: expectString(source, `${place}.source`) }),
    state: oneOf(state, `${place}.state`, ['active', 'paused', 'done', 'cancelled']),
    by: oneOf(by, `${place}.by`, ['service', 'command']),
    newestFirst: newestFirst === true,
    ranges: new Map(partitions),
  }
}

function decodeRange(value: unknown, place: string): OffsetRange {
  const [start, end] = expectList(value, place)
  return [decimal(start, `${place}[0]`), decimal(end, `${place}[1]`)]
}

function oneOf<const T extends string>(value: unknown, place: string, known: readonly T[]): T {
  const found = known.find((one) => one === value)
  if (found === undefined) throw new Error(`${place}: expected ${known.join(', ')}`)
  return found
}

function listOf<T>(value: unknown, place: string, read: (item: unknown, place: string) => T): T[] {
  return value === undefined ? [] : expectList(value, place).map((item, i) => read(item, `${place}[${i}]`))
}

function decimal(value: unknown, place: string): bigint {
  const text = expectString(value, place)
  if (!/^(0|[1-9]\d{0,18})$/.test(text)) throw new Error(`${place}: expected a number in decimal`)
  return BigInt(text)
}
