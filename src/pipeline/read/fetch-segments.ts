import { release } from '../../formats/bytes/release.ts'
import { WorkError } from '../../model/failure.ts'
import type { SegmentRef } from '../../model/segment.ts'
import { ObjectChanged, ObjectNotFound, type ObjectStore } from '../../seams/object-store.ts'

export interface FetchBounds {
  /** Requests in flight at most. */
  readonly maxRequests: number
  /** Bytes fetched or being fetched ahead of the reader at most; one larger segment is still fetched, alone. */
  readonly maxBytes: number
  /** A segment larger than this is not fetched at all. */
  readonly maxSegmentBytes: number
}

/** `changed`: the object is gone or was written again since it was listed. `unreadable`: the store refuses it until someone changes something. */
export type Fetched = { readonly segment: SegmentRef } & (
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'changed' }
  | { readonly kind: 'unreadable'; readonly reason: string }
)

/**
 * Yields the segments' bytes in their order, one GET each with `If-Match`, with as many in flight as the bounds allow. Bytes are
 * valid until the next ones are asked for.
 * Nothing is fetched after the consumer stops. Throws what the store throws for reasons that may pass.
 */
export async function* fetchSegments(
  store: Pick<ObjectStore, 'get' | 'release'>,
  segments: readonly SegmentRef[],
  bounds: FetchBounds,
  signal?: AbortSignal,
): AsyncGenerator<Fetched, void, undefined> {
  const ahead: { size: number; answer: Promise<Fetched> }[] = []
  let next = 0
  let bytesAhead = 0
  try {
    while (next < segments.length || ahead.length > 0) {
      while (
        next < segments.length &&
        ahead.length < bounds.maxRequests &&
        (ahead.length === 0 || bytesAhead + segments[next].size <= bounds.maxBytes)
      ) {
        const segment = segments[next++]
        bytesAhead += segment.size
        const answer = fetchOne(store, segment, bounds, signal)
        // It is awaited when its turn comes; until then a failure must not count as unhandled.
        answer.catch(() => undefined)
        ahead.push({ size: segment.size, answer })
      }
      const { size, answer } = ahead.shift()!
      bytesAhead -= size
      const fetched = await answer
      yield fetched
      if (fetched.kind === 'bytes') (store.release ?? release)(fetched.bytes)
    }
  } finally {
    await Promise.allSettled(ahead.map(({ answer }) => answer))
  }
}

async function fetchOne(
  store: Pick<ObjectStore, 'get'>,
  segment: SegmentRef,
  { maxSegmentBytes }: FetchBounds,
  signal?: AbortSignal,
): Promise<Fetched> {
  if (segment.size > maxSegmentBytes) {
    const reason = `the segment has ${segment.size} bytes, and at most ${maxSegmentBytes} are read at once (half of processing.memoryLimitBytes, below 2 GiB)`
    return { segment, kind: 'unreadable', reason }
  }
  try {
    return { segment, kind: 'bytes', bytes: await store.get(segment.key, { ifMatch: segment.etag, signal }) }
  } catch (error) {
    if (error instanceof ObjectNotFound || error instanceof ObjectChanged) return { segment, kind: 'changed' }
    if (error instanceof WorkError && error.retry === 'never') return { segment, kind: 'unreadable', reason: error.message }
    throw error
  }
}
