import { WorkError } from '../../model/failure.ts'
import type { SegmentRef } from '../../model/segment.ts'
import type { TopicPartition } from '../../model/topic-partition.ts'
import { ObjectChanged, ObjectNotFound, type ObjectStore } from '../../seams/object-store.ts'
import { pickThree, spreadEvenly } from '../../pipeline/infer/pick-segments.ts'
import type { Sample } from '../../pipeline/infer/sample.ts'
import { firstBatchEnd, segmentValues } from '../../pipeline/infer/segment-values.ts'
import { acceptSegments } from '../../pipeline/plan/accept-segments.ts'
import { listSegments } from '../../pipeline/plan/list-segments.ts'

export interface SamplerOptions {
  /** What stands before a topic in the source's keys. */
  readonly prefix: string
  readonly graceMs: number
  /** A compressed batch may inflate to this many bytes; no larger one is read. */
  readonly maxBatchBytes: number
}

/** Topic-partitions that are looked into, and objects of each that are listed. */
const maxPartitions = 16
const maxObjects = 1000
/** Read of a segment; of a larger one its beginning. */
const maxSegmentBytes = 4 * 1024 * 1024
const maxSegmentValues = 1000
const maxValues = 10_000
const maxBytes = 16 * 1024 * 1024
/** Segments that are read beyond the picked ones while no value was found. */
const maxFurtherSegments = 32
/** Segments that are fetched side by side. */
const fetchedAtOnce = 4

/** What a sample of so many segments in so many topic-partitions reads, about: as if all of them were of the mean size, and there is a value. */
export function sampleCost(partitions: number, segments: number, bytes: number): { gets: number; lists: number; bytes: number } {
  const lists = Math.min(partitions, maxPartitions)
  const gets = Math.min(segments, 3 * lists)
  return { gets, lists, bytes: segments === 0 ? 0 : Math.round(gets * Math.min(maxSegmentBytes, bytes / segments)) }
}

/** There is nothing to sample yet. */
export interface Unready {
  /** How long until there may be something, ms; null where nothing is there that only has to age. */
  readonly readyInMs: number | null
}

/**
 * Takes a sample of the records of a table's topic-partitions: from up to 16 of them, spread evenly, the first, the middle and the last
 * ready segment of the first page of their listing; of each segment its share of 10,000 values and 16 MiB. Where these have tombstones
 * alone, up to 32 further segments are looked into until one has a value. The same bucket gives the same sample.
 *
 * Unready: no segment is ready. Bytes that are damaged are left out. Throws a WorkError where all segments have gone or changed since
 * they were listed, what the store throws for reasons that may pass, and its reason where it refuses all segments.
 */
export async function takeSample(
  source: ObjectStore,
  partitions: readonly TopicPartition[],
  options: SamplerOptions,
): Promise<Sample | Unready> {
  const ready = await readySegments(source, partitions, options)
  const { picked, others } = pickThree(ready.segments)
  const values: Uint8Array[] = []
  const seen = { bytes: 0, nulls: 0, segments: 0, areAll: ready.areAll }
  let refusal: WorkError | null = null

  async function look(segments: readonly SegmentRef[], isEnough: () => boolean): Promise<void> {
    for (let i = 0; i < segments.length && !isEnough(); i += fetchedAtOnce) {
      const fetched = await Promise.all(segments.slice(i, i + fetchedAtOnce).map((segment) => fetchBeginning(source, segment, options)))
      for (const [j, bytes] of fetched.entries()) {
        if (!(bytes instanceof Uint8Array)) {
          refusal ??= bytes
          seen.areAll = false
          continue
        }
        const left = segments.length - i - j
        const found = segmentValues(segments[i + j], bytes, {
          maxValues: Math.min(maxSegmentValues, Math.ceil((maxValues - values.length) / left)),
          maxBytes: Math.ceil((maxBytes - seen.bytes) / left),
          // A value as large as this is a sample by itself.
          maxFirstBytes: values.length === 0 ? Infinity : maxBytes - seen.bytes,
          maxBatchBytes: options.maxBatchBytes,
        })
        values.push(...found.values)
        seen.bytes = found.values.reduce((sum, value) => sum + value.length, seen.bytes)
        seen.nulls += found.nulls
        seen.segments++
        seen.areAll &&= found.isComplete
      }
    }
  }

  await look(picked, () => false)
  const further = values.length > 0 ? [] : others.slice(0, maxFurtherSegments)
  await look(further, () => values.length > 0)
  if (seen.segments === 0) {
    if (refusal !== null) throw refusal
    if (ready.segments.length === 0) return { readyInMs: ready.readyInMs }
    throw new WorkError('segments that were listed are gone, or have other bytes now', { retry: 'later' })
  }
  const exhausted = seen.areAll && seen.segments === picked.length + others.length
  return { values, records: values.length + seen.nulls, nulls: seen.nulls, segments: seen.segments, exhausted }
}

/** The ready segments of the topic-partitions that are looked into, those without any left out. */
async function readySegments(
  source: ObjectStore,
  partitions: readonly TopicPartition[],
  { prefix, graceMs }: SamplerOptions,
): Promise<{ segments: (readonly SegmentRef[])[]; areAll: boolean; readyInMs: number | null }> {
  const chosen = spreadEvenly(partitions, maxPartitions)
  const rest = partitions.filter((at) => !chosen.includes(at))
  const waits: number[] = []
  // A topic may have many empty topic-partitions: what is in the others must be found all the same.
  for (let group = chosen; group.length > 0; group = rest.splice(0, maxPartitions)) {
    const listings = await Promise.all(group.map((at) => listSegments(source, prefix, at, null, { maxBytes: Infinity, maxObjects })))
    const accepted = listings.map(({ objects, listedAtMs }) => ({ listedAtMs, ...acceptSegments(objects, listedAtMs, graceMs) }))
    const segments = accepted.map(({ segments: ready }) => ready).filter((ready) => ready.length > 0)
    if (segments.length > 0) {
      return { segments, areAll: rest.length === 0 && listings.every(({ complete }) => complete), readyInMs: null }
    }
    for (const { readyAtMs, listedAtMs } of accepted) if (readyAtMs !== null) waits.push(Math.max(0, readyAtMs - listedAtMs))
  }
  return { segments: [], areAll: true, readyInMs: waits.length === 0 ? null : Math.min(...waits) }
}

/**
 * The beginning of a segment with one batch at least, or all of it. Null: it is gone or was written again since it was listed. A
 * WorkError: the store refuses it until someone changes something.
 */
async function fetchBeginning(
  source: ObjectStore,
  { key, etag, size }: SegmentRef,
  { maxBatchBytes }: SamplerOptions,
): Promise<Uint8Array | WorkError | null> {
  const fetch = (end: number) => source.get(key, { ifMatch: etag, ...(end < size ? { range: { start: 0, end } } : {}) })
  try {
    const bytes = await fetch(maxSegmentBytes)
    const end = firstBatchEnd(bytes)
    return end > bytes.length && end <= Math.min(size, maxBatchBytes) ? await fetch(end) : bytes
  } catch (error) {
    if (error instanceof ObjectNotFound || error instanceof ObjectChanged) return null
    if (error instanceof WorkError && error.retry === 'never') return error
    throw error
  }
}
