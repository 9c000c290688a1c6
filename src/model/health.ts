/** Something that fails or does not go on, in words for people. */
export interface Trouble {
  /** When it began, ms since 1970. */
  readonly sinceMs: number
  readonly reason: string
}

/**
 * How far one topic-partition's tail is behind, by what this process has listed. No request is made to know it: the newest segment
 * counts as one offset until it was read, and where `complete` is false there is more in the source than was listed so far.
 */
export interface PartitionLag {
  readonly topic: string
  readonly partition: number
  readonly offsets: bigint
  readonly segments: number
  readonly bytes: number
  /** When the oldest segment that waits was written (LastModified), ms; null where none waits. */
  readonly oldestMs: number | null
  readonly complete: boolean
  /** Whether somebody asked for it to wait. */
  readonly paused: boolean
  /** Why it does not go on; null where it does. */
  readonly stopped: Trouble | null
}

/** What a process made of a table's upkeep when it looked last. */
export interface UpkeepView {
  readonly lookedMs: number
  readonly decisions: readonly { readonly kind: string; readonly due: boolean; readonly reason: string }[]
}

/** How one table does, as the process that feeds it sees it. */
export interface TableHealth {
  readonly table: string
  /** Whether its topic-partitions were looked at once since this process began. */
  readonly planned: boolean
  readonly partitions: readonly PartitionLag[]
  /** Our newest snapshot, whichever process made it, ms; null before the first. */
  readonly lastCommitMs: number | null
  readonly watermarkMs: number | null
  /** Records of which a value went into the rescue column, in all; null where that is not known. */
  readonly rescuedRows: bigint | null
  /** By that snapshot; null where it does not tell. */
  readonly meanFileBytes: number | null
  /** Offsets that backfills have still to bring. */
  readonly backfillOffsetsLeft: bigint
  readonly tasksInFlight: number
  readonly resultsWaiting: number
  /** Since when segments could be read and nothing was committed, ms; null where none wait. */
  readonly waitingSinceMs: number | null
  /** What there was to do beside feeding it when that was looked at last, and why some of it was put off; null where nobody looked yet. */
  readonly upkeep: UpkeepView | null
  /** Work that fails and is tried again: how often it has failed in a row. */
  readonly failing: (Trouble & { readonly times: number }) | null
  /** Why the whole table does not go on. */
  readonly stopped: Trouble | null
}

/** What a process has counted for a document since it began. */
export interface Counted {
  /** By kind: `source_get`, `catalog_load` and so on. */
  readonly requests: Readonly<Record<string, number>>
  /** Those of them that failed. */
  readonly failedRequests: Readonly<Record<string, number>>
  /** Ranges of offsets that the source does not have, segments read of which a part was decided, and segments that were written again. */
  readonly gaps: number
  readonly overlaps: number
  readonly segmentsRewritten: number
}

/** How one document does, as this process sees it. */
export interface DocumentHealth {
  readonly processor: string
  readonly commitIntervalMs: number
  readonly graceMs: number
  /** Whether its topics were listed once. */
  readonly discovered: boolean
  /** Why its topics can not be listed now. */
  readonly failing: Trouble | null
  readonly queueDepth: number
  /** Why the queue that processes share can not be asked now; null where it can, and where there is none. */
  readonly queueAway: Trouble | null
  readonly counted: Counted
  readonly tables: readonly TableHealth[]
}
