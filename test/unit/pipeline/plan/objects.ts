import { segmentKey, type SegmentExtension } from '../../../../src/formats/kfs/segment-key.ts'
import type { ObjectInfo } from '../../../../src/seams/object-store.ts'
import { at } from '../../service/segments.ts'

/** When the listings of these tests began, by the store's clock. */
export const listedAtMs = Date.UTC(2026, 0, 1)
export const graceMs = 10_000

/** An object as a listing shows it; old enough for the grace age unless `ageMs` says otherwise. */
export function object(baseOffset: number, extension: SegmentExtension, { ageMs = 60_000, etag = 'e', size = 100 } = {}): ObjectInfo {
  const key = segmentKey('', at, BigInt(baseOffset), extension)
  return { key, size, etag: `${etag}${baseOffset}`, lastModifiedMs: listedAtMs - ageMs }
}

/** A segment and its index, in the order of a listing. */
export function pair(baseOffset: number, options: { ageMs?: number; etag?: string; size?: number } = {}): ObjectInfo[] {
  return [object(baseOffset, 'index', options), object(baseOffset, 'kfs', options)]
}
