import type { TopicPartition } from '../../model/topic-partition.ts'

/*
 *   key  = prefix topic "/" partition "/" name        prefix: empty, or ends in "/"
 *   name = "segment-" base offset(20 digits) "." ("kfs" | "index")
 */
export type SegmentExtension = 'kfs' | 'index'

const fileName = /^segment-\d{20}\.(?:kfs|index)$/
const digitsAt = 'segment-'.length
const maxOffset = 0x7fffffffffffffffn

/** The key of a segment or of its index. */
export function segmentKey(prefix: string, at: TopicPartition, baseOffset: bigint, extension: SegmentExtension): string {
  return `${listStartAfter(prefix, at, baseOffset)}.${extension}`
}

/** What the keys of all objects of a topic-partition begin with. */
export function partitionPrefix(prefix: string, at: TopicPartition): string {
  return `${prefix}${at.topic}/${at.partition}/`
}

/**
 * A StartAfter key (exclusive) with which a listing of `partitionPrefix` begins at the objects of `baseOffset` themselves:
 * their keys without what follows the digits, so it sorts before both and after every segment with a lower base offset.
 */
export function listStartAfter(prefix: string, at: TopicPartition, baseOffset: bigint): string {
  return `${partitionPrefix(prefix, at)}segment-${baseOffset.toString().padStart(20, '0')}`
}

/** What lists a topic-partition from the objects of `fromBaseOffset` on; null: from its beginning. What lies in folders below is listed too. */
export function partitionQuery(prefix: string, at: TopicPartition, fromBaseOffset: bigint | null): { prefix: string; startAfter?: string } {
  const folder = partitionPrefix(prefix, at)
  return fromBaseOffset === null ? { prefix: folder } : { prefix: folder, startAfter: listStartAfter(prefix, at, fromBaseOffset) }
}

/** Reads what a key has behind the folder of its topic-partition; null where that is no segment and no index (other objects lie there too, and folders). */
export function parseSegmentFileName(name: string): { baseOffset: bigint; extension: SegmentExtension } | null {
  if (!fileName.test(name)) return null
  const baseOffset = BigInt(name.slice(digitsAt, digitsAt + 20))
  return baseOffset > maxOffset ? null : { baseOffset, extension: name.endsWith('.kfs') ? 'kfs' : 'index' }
}
