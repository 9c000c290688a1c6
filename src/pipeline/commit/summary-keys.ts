/** Keys of the snapshot summary, and of the table properties that copy it, that belong to this program. */
export const summaryKeys = {
  /** Format of these keys; a reader refuses one that it does not know. As a property: of the copies there, absent where it is the first. */
  version: 'kafscale.processor.version',
  name: 'kafscale.processor.name',
  commitId: 'kafscale.processor.commit-id',
  watermarkMs: 'kafscale.processor.watermark-ms',
  /** Records of which a value went into the rescue column, since the table's first snapshot of ours; absent where an older program wrote. */
  rescuedRows: 'kafscale.processor.rescued-rows',
  /** How fast tasks were, over the last commits that tell; absent where none does, or an older program wrote. */
  speed: 'kafscale.processor.speed',
  progress: 'kafscale.processor.progress',
  /** `manifest-list`: the progress is the Avro metadata of the snapshot's own manifest list, under the key `progress`. */
  progressIn: 'kafscale.processor.progress-in',
  progressSha256: 'kafscale.processor.progress-sha256',
  /** What people asked of the table; the property is its copy, or, before there is a snapshot of ours, what the creation was asked. */
  requests: 'kafscale.processor.requests',
  /** In the manifest list's Avro metadata only: where the tail stands, a hint. */
  frontiers: 'kafscale.processor.frontiers',
  /** In the manifest list's Avro metadata, not the summary: offsets without a row about which somebody said that this is known; the property is its copy. */
  accepted: 'kafscale.processor.accepted',
  /** In the manifest list's Avro metadata, not the summary: what lies below the start of topic-partitions of which history is decided; the property is its copy. */
  leftOut: 'kafscale.processor.left-out',
  /** In the manifest list's Avro metadata only: offsets that `onError: skip` left out; absent where an older program wrote. */
  skipped: 'kafscale.processor.skipped',
  /** In the manifest list's Avro metadata only: offsets of control records. An older program does not carry them on. */
  control: 'kafscale.processor.control',
  /** In the manifest list's Avro metadata only: offsets that were decided once and are to be materialized again. */
  retracted: 'kafscale.processor.retracted',
  /** Beside it: the sequence number up to which snapshots may have decided them. */
  retractedUpTo: 'kafscale.processor.retracted-up-to',
  /** The branch that a snapshot was made on, where that is not main: beside main's history it tells nothing of main. */
  branch: 'kafscale.processor.branch',
  /** Table property: which column is what, and how bytes are kept; written when the table is created. */
  layout: 'kafscale.processor.layout',
  /** Table property: when each kind of upkeep was done last, as a JSON object of ISO times. */
  upkeep: 'kafscale.processor.upkeep',
} as const

export const formatVersion = '1'
/** Of progress with incarnations beyond the first: a program that does not know them must not go on from it. */
export const incarnationsVersion = '2'
/** Of progress beside which offsets are accepted, retracted or left out: a program that does not know these must not go on without them. */
export const notesVersion = '3'
/** What this program reads. Whatever must be carried on and is not by an older program makes another one. */
export const knownVersions: readonly string[] = [formatVersion, incarnationsVersion, notesVersion]

/** Longer progress than this goes to the manifest list, bytes. */
export const maxSummaryProgressBytes = 2048
