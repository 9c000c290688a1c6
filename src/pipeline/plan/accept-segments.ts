import type { SegmentRef } from '../../model/segment.ts'
import type { ObjectInfo } from '../../seams/object-store.ts'
import { parseSegmentFileName } from '../../formats/kfs/segment-key.ts'

/** What a listing of one topic-partition's prefix tells, in base-offset order. */
export interface AcceptedSegments {
  /** Ready to be read now, in order, up to the first that must wait. */
  readonly segments: readonly SegmentRef[]
  /** Base offset of the first complete segment that must wait; null where none does. */
  readonly nextBaseOffset: bigint | null
  /** Something is there that may become readable by waiting: at this time of the store's clock at the earliest, ms. */
  readonly readyAtMs: number | null
  /** Segments without an index beside them, before a later complete one: they do not count, and are reported. */
  readonly withoutIndex: readonly string[]
}

/** How far clocks may be apart, ms. */
const futureMs = 3_600_000

interface Slot {
  readonly baseOffset: bigint
  kfs?: ObjectInfo
  index?: ObjectInfo
}

/**
 * Which listed segments count. A segment is complete when its `.kfs` and its `.index` are both there. A complete one is ready
 * when a later complete one exists, when the high watermark lies beyond it, or when it has stood for the grace age: the newest may still
 * be written again.
 * A `.kfs` without index waits as the newest, and is passed over (and reported) once a settled complete segment follows it.
 * Objects with other names are foreign and none of our business.
 *
 * @param objects ascending by key, of one topic-partition
 * @param listedAtMs the store's clock when the listing began
 * @param writtenTo the high watermark before the listing began, where one is told
 */
export function acceptSegments(objects: readonly ObjectInfo[], listedAtMs: number, graceMs: number, writtenTo?: bigint): AcceptedSegments {
  const slots = slotsOf(objects)
  // A time far in the future is a broken clock's and says nothing about age: such an object would wait for good.
  const timeOf = ({ lastModifiedMs }: ObjectInfo) => (lastModifiedMs > listedAtMs + futureMs ? 0 : lastModifiedMs)
  const readyAt = (slot: Slot) => Math.max(timeOf(slot.kfs!), timeOf(slot.index!)) + graceMs
  const newestComplete = slots.findLastIndex(isComplete)
  const segments: SegmentRef[] = []
  const passedOver: string[] = []
  const withoutIndex: string[] = []
  for (const [i, slot] of slots.entries()) {
    if (!isComplete(slot)) {
      if (slot.kfs !== undefined) passedOver.push(slot.kfs.key)
      continue
    }
    const settled = readyAt(slot) <= listedAtMs
    const isTold = writtenTo !== undefined && slot.baseOffset < writtenTo
    if (!settled && (passedOver.length > 0 || (i === newestComplete && !isTold))) {
      return { segments, nextBaseOffset: slot.baseOffset, readyAtMs: readyAt(slot), withoutIndex }
    }
    withoutIndex.push(...passedOver.splice(0))
    const { key, size, etag, lastModifiedMs } = slot.kfs!
    segments.push({
      key,
      baseOffset: slot.baseOffset,
      size,
      etag,
      lastModifiedMs,
      settled,
      ...(!settled && i === newestComplete && { writtenTo }),
    })
  }
  return { segments, nextBaseOffset: null, readyAtMs: null, withoutIndex }
}

function isComplete(slot: Slot): boolean {
  return slot.kfs !== undefined && slot.index !== undefined
}

function slotsOf(objects: readonly ObjectInfo[]): Slot[] {
  const slots = new Map<bigint, Slot>()
  for (const object of objects) {
    const name = parseSegmentFileName(object.key.slice(object.key.lastIndexOf('/') + 1))
    if (name === null) continue
    let slot = slots.get(name.baseOffset)
    if (slot === undefined) slots.set(name.baseOffset, (slot = { baseOffset: name.baseOffset }))
    slot[name.extension] = object
  }
  return [...slots.values()]
}
