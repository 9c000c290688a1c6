import type { DocumentHealth, PartitionLag, TableHealth } from '../../src/model/health.ts'

/** A topic-partition of which nothing waits. */
export function partitionLag(changes: Partial<PartitionLag> = {}): PartitionLag {
  return {
    topic: 'orders',
    partition: 3,
    offsets: 0n,
    segments: 0,
    bytes: 0,
    oldestMs: null,
    complete: true,
    paused: false,
    stopped: null,
    ...changes,
  }
}

/** A table that has everything, and to which nothing was committed yet. */
export function tableHealth(changes: Partial<TableHealth> = {}): TableHealth {
  return {
    table: 'orders',
    planned: true,
    partitions: [partitionLag()],
    lastCommitMs: null,
    watermarkMs: null,
    rescuedRows: null,
    backfillOffsetsLeft: 0n,
    meanFileBytes: null,
    tasksInFlight: 0,
    resultsWaiting: 0,
    waitingSinceMs: null,
    upkeep: null,
    failing: null,
    stopped: null,
    ...changes,
  }
}

/** A document of which all is well, with nothing counted. */
export function documentHealth(tables: readonly TableHealth[], changes: Partial<DocumentHealth> = {}): DocumentHealth {
  return {
    processor: 'shop',
    commitIntervalMs: 60_000,
    graceMs: 10_000,
    discovered: true,
    failing: null,
    queueDepth: 0,
    queueAway: null,
    counted: { requests: {}, failedRequests: {}, gaps: 0, overlaps: 0, segmentsRewritten: 0 },
    tables,
    ...changes,
  }
}
