import { parseSegmentFileName } from '../../formats/kfs/segment-key.ts'
import type { AcceptedSegments } from './accept-segments.ts'
import type { Listing } from './list-segments.ts'

/** What there was of a topic-partition when it was first looked at. */
export interface FirstLook {
  /** Base offset of the newest segment that was listed; null where there was none. */
  readonly newest: bigint | null
  /** Where the listing did not reach the end, what was written until then, by the store's clock, was there too, ms. */
  readonly untilMs: number
}

/** Stores tell their time in whole seconds. */
const secondMs = 1000

/** What a listing, as the first of a topic-partition, shows to be there. */
export function firstLook({ objects, listedAtMs, complete }: Listing): FirstLook {
  const newest = objects.map(({ key }) => parseSegmentFileName(key.slice(key.lastIndexOf('/') + 1))).findLast((name) => name !== null)
  return { newest: newest?.baseOffset ?? null, untilMs: complete ? Number.NEGATIVE_INFINITY : listedAtMs + secondMs }
}

/**
 * Without the segments behind the last that was there at the first look, and without waiting for one: who brings in what is there
 * would never be done with a topic that has more at every look. Pure.
 */
export function thereAtFirst(accepted: AcceptedSegments, { newest, untilMs }: FirstLook, graceMs: number): AcceptedSegments {
  const wasThere = (baseOffset: bigint, writtenMs: number) => (newest !== null && baseOffset <= newest) || writtenMs <= untilMs
  const { segments, nextBaseOffset, readyAtMs } = accepted
  const end = segments.findLastIndex(({ baseOffset, lastModifiedMs }) => wasThere(baseOffset, lastModifiedMs)) + 1
  if (end < segments.length) {
    return { ...accepted, segments: segments.slice(0, end), nextBaseOffset: segments[end].baseOffset, readyAtMs: null }
  }
  const waits = nextBaseOffset !== null && readyAtMs !== null && wasThere(nextBaseOffset, readyAtMs - graceMs)
  return waits ? accepted : { ...accepted, readyAtMs: null }
}
