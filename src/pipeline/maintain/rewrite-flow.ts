/**
 * The road of a rewrite, as types:
 *
 *     manifests ─plan▶ RewriteGroup ─rewrite▶ RewriteResult ─commit▶ `replace` snapshot
 *
 * The planner compares sequence numbers and scopes and names nothing twice, the engine knows files alone, and the commit alone
 * decides whether what was planned still holds.
 */
import type { DataFile, SingleValue } from '../../formats/iceberg/data-file.ts'

/** A live data file as its manifest entry has it, with inherited values (snapshot id, sequence numbers, first row id) filled in. */
export interface LiveFile {
  readonly file: DataFile
  /** The partition spec of its manifest, which `file.partition` follows. */
  readonly specId: number
  /** Its data sequence number: equality deletes with a greater one and position deletes with one at least as great may apply. */
  readonly sequenceNumber: bigint
  /** When the file was added; null where another writer left it out of a manifest that was merged. */
  readonly fileSequenceNumber: bigint | null
  /** The snapshot that added it. */
  readonly snapshotId: bigint | null
}

/**
 * A delete file that may remove rows of a live file: position deletes, a deletion vector (`fileFormat` is `PUFFIN`) or equality
 * deletes, as its `content` says. Sequence number and scope were compared by the planner, so it applies as it stands.
 */
export interface LiveDelete {
  readonly file: DataFile
  readonly specId: number
  readonly sequenceNumber: bigint
}

/** A live data file and all delete files that apply to it. Where there is a deletion vector, position deletes are not named: it replaces them. */
export interface RewriteInput {
  readonly live: LiveFile
  readonly deletes: readonly LiveDelete[]
}

/** One rewrite: the rows of `inputs`, less what their deletes remove, in new files of one partition. */
export interface RewriteGroup {
  /** The spec of inputs and outputs alike: files of different specs are never in one group. */
  readonly specId: number
  /** The partition of inputs and outputs, one value per field of that spec. */
  readonly partition: readonly SingleValue[]
  readonly inputs: readonly RewriteInput[]
  /** The data sequence number that the outputs carry: that of the snapshot planned on, so that later equality deletes apply to them. */
  readonly sequenceNumber: bigint
}

/** What carrying out a group came to. The files are written and belong to no snapshot yet; none where no row is left. */
export interface RewriteResult {
  readonly group: RewriteGroup
  readonly files: readonly DataFile[]
  readonly rowsRead: bigint
  /** Rows that deletes removed: `rowsRead` − `rowsDeleted` is what `files` have. */
  readonly rowsDeleted: bigint
}
