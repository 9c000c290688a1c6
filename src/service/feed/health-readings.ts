import type { DocumentHealth, PartitionLag, TableHealth } from '../../model/health.ts'
import { readinessOf } from '../../model/readiness.ts'
import type { Reading } from '../../seams/meter.ts'

/** Topic-partitions of a document that have series of their own; the rest of each table is one, with `other` for topic and partition. */
export const maxPartitionSeries = 1000

/** What the gauges of a document say at this moment. Pure. */
export function* healthReadings(health: DocumentHealth, nowMs: number, maxPartitions = maxPartitionSeries): Generator<Reading> {
  yield { name: 'queue_depth', value: health.queueDepth }
  yield { name: 'ready', value: Number(readinessOf([health], nowMs).ready) }
  let left = maxPartitions
  for (const table of health.tables) {
    yield* tableReadings(table, nowMs)
    const own = table.partitions.slice(0, left)
    const others = table.partitions.slice(left)
    left -= own.length
    for (const lag of own) yield* lagReadings({ table: table.table, topic: lag.topic, partition: `${lag.partition}` }, lag, nowMs)
    if (others.length > 0) yield* lagReadings({ table: table.table, topic: 'other', partition: 'other' }, together(others), nowMs)
  }
}

function* tableReadings(health: TableHealth, nowMs: number): Generator<Reading> {
  const labels = { table: health.table }
  const { partitions, lastCommitMs, watermarkMs, meanFileBytes, waitingSinceMs } = health
  const oldestMs = oldestOf(partitions)
  yield { name: 'oldest_unmaterialized_record_age_seconds', value: ageSeconds(oldestMs, nowMs), labels }
  if (lastCommitMs !== null) yield { name: 'seconds_since_last_commit', value: ageSeconds(lastCommitMs, nowMs), labels }
  yield { name: 'seconds_waiting_for_commit', value: ageSeconds(waitingSinceMs, nowMs), labels }
  if (watermarkMs !== null) yield { name: 'watermark_timestamp_seconds', value: watermarkMs / 1000, labels }
  if (meanFileBytes !== null) yield { name: 'data_file_mean_bytes', value: meanFileBytes, labels }
  yield { name: 'partitions', value: partitions.length, labels }
  yield { name: 'partitions_stopped', value: partitions.filter(({ stopped }) => stopped !== null).length, labels }
  yield { name: 'partitions_paused', value: partitions.filter(({ paused }) => paused).length, labels }
  yield { name: 'partitions_listed_partly', value: partitions.filter(({ complete }) => !complete).length, labels }
  yield { name: 'table_stopped', value: Number(health.stopped !== null), labels }
  yield { name: 'backfill_remaining_offsets', value: Number(health.backfillOffsetsLeft), labels }
  yield { name: 'tasks_in_flight', value: health.tasksInFlight, labels }
  yield { name: 'results_waiting', value: health.resultsWaiting, labels }
}

type Lag = Pick<PartitionLag, 'offsets' | 'segments' | 'bytes' | 'oldestMs'>

function* lagReadings(labels: Reading['labels'], lag: Lag, nowMs: number): Generator<Reading> {
  yield { name: 'lag_offsets', value: Number(lag.offsets), labels }
  yield { name: 'lag_segments', value: lag.segments, labels }
  yield { name: 'lag_bytes', value: lag.bytes, labels }
  yield { name: 'lag_seconds', value: ageSeconds(lag.oldestMs, nowMs), labels }
}

/** Several topic-partitions as one: sums, and the oldest of all. */
function together(lags: readonly PartitionLag[]): Lag {
  return {
    offsets: lags.reduce((sum, { offsets }) => sum + offsets, 0n),
    segments: lags.reduce((sum, { segments }) => sum + segments, 0),
    bytes: lags.reduce((sum, { bytes }) => sum + bytes, 0),
    oldestMs: oldestOf(lags),
  }
}

function oldestOf(lags: readonly PartitionLag[]): number | null {
  return lags.reduce<number | null>((oldest, { oldestMs }) => (oldestMs === null ? oldest : Math.min(oldest ?? oldestMs, oldestMs)), null)
}

function ageSeconds(sinceMs: number | null, nowMs: number): number {
  return sinceMs === null ? 0 : Math.max(0, nowMs - sinceMs) / 1000
}
