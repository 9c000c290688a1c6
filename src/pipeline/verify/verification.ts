import type { Finding } from './finding.ts'
import type { SourceFact } from './source-fact.ts'

/** What verifying one table came to. */
export interface TableVerification {
  /** With its namespace: `analytics.orders`. */
  readonly table: string
  /** Whether the catalog has it. */
  readonly exists: boolean
  /** The snapshot that was looked at; null where there is none. */
  readonly snapshot: bigint | null
  readonly counts: VerificationCounts
  /** In order. */
  readonly findings: readonly Finding[]
  /** Findings beyond those, which were counted and not kept (`maxFindings`). */
  readonly unlisted: number
  /** What the source has and nobody can undo; no findings. */
  readonly facts: readonly SourceFact[]
  /** Offsets that were accepted by this run, and of which nothing is reported; null where nothing was to be accepted in this table. */
  readonly newlyAccepted: bigint | null
  /** Offsets of missing rows that are to be materialized again, and whether that was written; null where it was not asked. */
  readonly retraction: { readonly offsets: bigint; readonly done: boolean } | null
  /** What reading was estimated at before it began; null where nothing was read. */
  readonly reading: ReadingPlan | null
  /** What was met on the way, a sentence each: files that are gone or can not be read, a source of which the table knows nothing. */
  readonly notes: readonly string[]
  /** Why the table can not be judged; null where it was. A table that was not judged is not clean. */
  readonly problem: string | null
}

/** Counts of one table. */
export interface VerificationCounts {
  readonly files: number
  /** Files whose rows were read from their columns. */
  readonly filesRead: number
  readonly segments: number
  /** Rows of decided offsets, each offset once. */
  readonly rows: bigint
  readonly decided: bigint
  /** Decided offsets that rightly have no row: control records, and skipped ones. */
  readonly control: bigint
  readonly skipped: bigint
  /** Decided offsets whose row a snapshot of ours removed, and accepted as absent. */
  readonly removed: bigint
  /** Offsets whose absence was accepted. */
  readonly accepted: bigint
  /** Rows of offsets that nobody here decided: other writers' own. */
  readonly others: bigint
  /** Rows whose values were compared with what their segments give. */
  readonly compared: bigint
}

export const noCounts: VerificationCounts = {
  files: 0,
  filesRead: 0,
  segments: 0,
  rows: 0n,
  decided: 0n,
  control: 0n,
  skipped: 0n,
  removed: 0n,
  accepted: 0n,
  others: 0n,
  compared: 0n,
}

/** What verifying a table is going to read, told step by step as it gets known; about. */
export interface ReadingPlan {
  readonly table: string
  /** What is read next. */
  readonly step: 'manifests' | 'files' | 'listing' | 'segments'
  /** A GET each; they tell of the files. */
  readonly manifests: { readonly manifests: number; readonly bytes: number }
  readonly files: number
  readonly deleteFiles: number
  /** Of footers, delete files, and of the columns that are read. */
  readonly bytes: number
  readonly partitions: number
  /** For that, and for listing the source: of one page for each topic-partition, until the files were read and tell of their segments. */
  readonly requests: { readonly get: number; readonly list: number }
  /** Whether every row is read. */
  readonly exact: boolean
  /** The segments that are read, a GET each, since decided offsets have no row, or for holes. Null: before the source was listed. */
  readonly segments: { readonly segments: number; readonly bytes: number } | null
  /** What comparing values reads beside that. Null: before the source was listed, or values are not compared. */
  readonly values: ComparingPlan | null
}

/** What comparing values is going to read. */
export interface ComparingPlan {
  readonly segments: number
  /** Of the segments, and of the row groups of data files that have their rows. */
  readonly bytes: number
  readonly get: number
}
