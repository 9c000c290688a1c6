import type { SegmentFrame } from '../../formats/kfs/segment.ts'
import { fewNames } from '../../model/few-names.ts'
import type { TopicPartition } from '../../model/topic-partition.ts'
import { type Check, failed, passed, warned } from './check.ts'

/** When a clock that differs is told, and when signed requests are refused, ms. */
const toldSkewMs = 60_000
const refusedSkewMs = 15 * 60_000
/** Topics that are named; the rest is counted. */
const namedTopics = 5

/** This machine's clock against the store's, which answered with its own time (in whole seconds) between two readings of ours. */
export function clockCheck(storeMs: number, beforeMs: number, afterMs: number): Check {
  const skewMs = storeMs > afterMs ? storeMs - afterMs : Math.min(0, storeMs + 1000 - beforeMs)
  const seconds = Math.round(Math.abs(skewMs) / 1000)
  if (Math.abs(skewMs) <= toldSkewMs) return passed('clock', seconds < 2 ? "as the store's" : `${seconds} s off the store's`)
  const found = `this machine's clock is ${seconds} s ${skewMs > 0 ? 'behind' : 'ahead of'} the store's`
  const what = Math.abs(skewMs) < refusedSkewMs ? 'are refused at 15 minutes' : 'are refused at 15 minutes, so they may be now'
  return warned('clock', `${found}; signed requests ${what}`, ['set the clock by NTP'])
}

/** What the topics of a document come to. */
export function topicsCheck(partitions: readonly TopicPartition[], patterns: readonly string[], place: string): Check {
  const counts = new Map<string, number>()
  for (const { topic } of partitions) counts.set(topic, (counts.get(topic) ?? 0) + 1)
  if (counts.size === 0) {
    return warned('topics', `nothing under ${place} matches ${patterns.join(', ')}; run waits for it`, [
      'check spec.source.topics, and the prefix: topics are the folders directly below it (inspect shows what is there)',
    ])
  }
  const names = [...counts].map(([topic, several]) => `${topic} (${several})`)
  const named = fewNames(names, namedTopics)
  return passed('topics', `${count(counts.size, 'topic')}, ${count(partitions.length, 'partition')}: ${named}`)
}

/** What a segment that was read whole is. */
export function segmentCheck(key: string, bytes: number, { batches, fault }: SegmentFrame): Check {
  if (fault === null) return passed('segment', `${key}: ${bytes} bytes, ${count(batches.length, 'batch', 'batches')}, CRCs right`)
  return failed('segment', `${key}: ${fault.message} (byte ${fault.position})`, [
    'its topic-partition will be stopped there; look at it with inspect, and have it restored, or set onError: skip in its mapping',
  ])
}

function count(number: number, noun: string, plural = `${noun}s`): string {
  return `${number} ${number === 1 ? noun : plural}`
}
