import { currentSchema, type TableMetadata } from '../../formats/iceberg/table-metadata.ts'
import { WorkError } from '../../model/failure.ts'
import { currentId, currentIncarnation, incarnationId, parseIncarnation } from '../../model/incarnation.ts'
import { endOf } from '../../model/offset-range.ts'
import { decidedRanges, decidedSets, type Progress, withDecided } from '../../model/progress.ts'
import { type Frontiers, frontierOf, withFrontier } from '../../model/segment.ts'
import type { TopicPartition } from '../../model/topic-partition.ts'
import { topicPartitionName } from '../../model/topic-partition.ts'
import type { Catalog, TableIdentifier } from '../../seams/catalog.ts'
import type { Entropy } from '../../seams/entropy.ts'
import type { Journal } from '../../seams/journal.ts'
import type { ObjectStore } from '../../seams/object-store.ts'
import { incarnationColumn } from '../../pipeline/commit/resolve-layout.ts'
import type { TableState } from '../../pipeline/commit/table-state.ts'
import type { TableCommitter } from './committer.ts'
import { acceptSegments } from '../../pipeline/plan/accept-segments.ts'
import { listSegments } from '../../pipeline/plan/list-segments.ts'
import type { SourceIdentity } from '../../model/source-identity.ts'

/** What a person says of a table or a source that stopped; acted on once, when a table is first opened. */
export interface Directions {
  /** Tables that were rolled back go on from what their history says now. */
  readonly acceptRollback: boolean
  /** The id that the source had before, at another place. */
  readonly sourceMoved: string | null
  /** The source is another one beside those that the table has. */
  readonly sourceAdded: boolean
  /** The log began again at offset 0. */
  readonly sourceRestarted: boolean
}

export const noDirections: Directions = { acceptRollback: false, sourceMoved: null, sourceAdded: false, sourceRestarted: false }

/** Whether `followDirections` does anything. */
export function changesTables({ acceptRollback, sourceMoved, sourceRestarted }: Directions): boolean {
  return acceptRollback || sourceMoved !== null || sourceRestarted
}

interface DirectionSeams {
  readonly source: ObjectStore
  readonly catalog: Catalog
  readonly entropy: Entropy
  readonly journal: Journal
}

/**
 * Does as directed with one table. The committer is spent after it: the table, and the source's id in it, may be others now. `refuse`: as
 * `acceptRollback` takes it.
 */
export async function followDirections(
  directions: Directions,
  source: SourceIdentity,
  table: TableIdentifier,
  committer: TableCommitter,
  refuse: (metadata: TableMetadata) => Promise<void>,
  seams: DirectionSeams,
): Promise<void> {
  if (directions.acceptRollback) await committer.acceptRollback(refuse)
  if (directions.sourceMoved !== null) await moveSource(directions.sourceMoved, source, committer, seams)
  if (directions.sourceRestarted) await restartSource(source, table, committer, seams)
}

/**
 * What is recorded under the old id goes on under the new one, in one commit; the old id is gone then. Our snapshots beside the history, which
 * expiry leaves there, say the old one for good: they were found to know no more than the table just now, and are not compared any more.
 */
async function moveSource(old: string, source: SourceIdentity, committer: TableCommitter, seams: DirectionSeams): Promise<void> {
  await committer.changeState(async (state, metadata) => {
    const [before, now] = [old, source.id].map((id) => [...state.progress.keys()].filter((key) => parseIncarnation(key).source === id))
    if (before.length === 0) {
      if (now.length > 0 || state.progress.size === 0) return null
      const known = [...new Set([...state.progress.keys()].map((key) => parseIncarnation(key).source))]
      throw directionError(committer, `--source-moved: it has no progress of ${old}; its sources are ${known.join(', ')}`)
    }
    if (now.length > 0) {
      throw directionError(
        committer,
        `--source-moved: it has progress of ${old} and of ${source.id}; a source that moves has none at its new place`,
      )
    }
    seams.journal.warn('the source has moved: its progress goes on under the new place', { table: committer.name, old, source: source.id })
    const renamed = (id: string) => (before.includes(id) ? incarnationId(source.id, parseIncarnation(id).incarnation) : id)
    const frontiers = new Map([...state.frontiers].map(([id, topics]) => [renamed(id), topics]))
    return {
      ...state,
      progress: withKeys(state.progress, renamed),
      accepted: withKeys(state.accepted, renamed),
      leftOut: withKeys(state.leftOut, renamed),
      skipped: state.skipped === null ? null : withKeys(state.skipped, renamed),
      control: withKeys(state.control, renamed),
      retraction: state.retraction === null ? null : { ...state.retraction, offsets: withKeys(state.retraction.offsets, renamed) },
      requests: { ...state.requests, abandonedUpTo: metadata['last-sequence-number'] },
      frontiers: await atNewPlace(frontiers, currentId(withKeys(state.progress, renamed), source.id), source, committer, seams.source),
    }
  })
}

function withKeys(progress: Progress, renamed: (id: string) => string): Progress {
  return new Map([...progress].map(([id, topics]) => [renamed(id), topics]))
}

/** A copy has other ETags and other times: the last segment of each topic-partition is looked up at the new place. */
async function atNewPlace(
  frontiers: Frontiers,
  id: string,
  source: SourceIdentity,
  committer: TableCommitter,
  store: ObjectStore,
): Promise<Frontiers> {
  let moved = frontiers
  for (const at of partitionsIn(frontiers, id)) {
    const frontier = frontierOf(frontiers, id, at)!
    const { listed, listedAtMs } = await segmentAt(store, source.prefix, at, frontier.baseOffset)
    const first = await firstSegment(store, source.prefix, at)
    if (listed === undefined && first !== undefined && first.baseOffset < frontier.baseOffset) {
      throw directionError(
        committer,
        `--source-moved: ${topicPartitionName(at)} stands at segment ${frontier.baseOffset}, which ${source.id} does not have, though it has earlier ones; ` +
          'copy the rest first. If it is another log, run with --source-added',
      )
    }
    if (listed !== undefined && listed.size < frontier.size) {
      throw directionError(
        committer,
        `--source-moved: ${listed.key} has ${listed.size} bytes, and had ${frontier.size} when it was materialized; copy it again. If it is another log, run with --source-added`,
      )
    }
    // One that is longer was written again: it keeps the old ETag, so that it is read again and what is decided of it is left out.
    const etag = listed === undefined || listed.size > frontier.size ? frontier.etag : listed.etag
    // Copies are made in any order: what is newer than the move is what was written after it.
    moved = withFrontier(moved, id, at, { ...frontier, etag, lastModifiedMs: Math.max(listedAtMs, frontier.lastModifiedMs) })
  }
  return moved
}

/**
 * The next incarnation of a log. Topic-partitions that begin anew start from offset 0 under its id; of those that do not, what is decided
 * goes along, so that nothing is materialized twice. Nothing happens where no topic-partition was restarted.
 */
async function restartSource(
  source: SourceIdentity,
  table: TableIdentifier,
  committer: TableCommitter,
  seams: DirectionSeams,
): Promise<void> {
  const { metadata, state } = await committer.load()
  if ((await startingAnew(state, source, seams.source)) === null) return
  if (!currentSchema(metadata).fields.some(({ name }) => name === incarnationColumn)) {
    await addIncarnationColumn(metadata, table, committer, seams)
    // Whoever wrote for the old schema opens the table again, and so do we.
    await committer.load()
    return
  }
  await committer.changeState(async (before) => {
    const anew = await startingAnew(before, source, seams.source)
    if (anew === null) return null
    const id = currentId(before.progress, source.id)
    const next = incarnationId(source.id, currentIncarnation(before.progress, source.id) + 1)
    seams.journal.warn('the log was restarted: its next incarnation begins', {
      table: committer.name,
      source: next,
      restarted: [...anew].sort(),
    })
    let { progress, frontiers, leftOut, skipped, control } = before
    for (const { at, ranges } of decidedSets(progress).filter((set) => set.source === id)) {
      const isNew = anew.has(topicPartitionName(at))
      progress = withDecided(progress, next, at, isNew ? [[0n, 0n]] : ranges)
      const frontier = frontierOf(frontiers, id, at)
      if (!isNew && frontier !== null) frontiers = withFrontier(frontiers, next, at, frontier)
      const below = decidedRanges(leftOut, id, at)
      if (!isNew && below.length > 0) leftOut = withDecided(leftOut, next, at, below)
      if (!isNew && skipped !== null) skipped = withDecided(skipped, next, at, decidedRanges(skipped, id, at))
      const markers = decidedRanges(control, id, at)
      if (!isNew && markers.length > 0) control = withDecided(control, next, at, markers)
    }
    return { ...before, progress, frontiers, leftOut, skipped, control }
  })
}

/**
 * The topic-partitions that begin anew in the next incarnation; null where none is surely restarted. One whose only segment was written
 * again counts once another is surely restarted, and so does one of which nothing is left, since nothing of it can come twice.
 */
async function startingAnew(state: TableState, source: SourceIdentity, store: ObjectStore): Promise<Set<string> | null> {
  const id = currentId(state.progress, source.id)
  const anew = new Set<string>()
  let proven = false
  for (const { at } of decidedSets(state.progress).filter((set) => set.source === id)) {
    const frontier = frontierOf(state.frontiers, id, at)
    if (frontier === null) continue
    const { listed } = await segmentAt(store, source.prefix, at, frontier.baseOffset)
    if (listed?.etag === frontier.etag) continue
    const first = await firstSegment(store, source.prefix, at)
    if (first === undefined) anew.add(topicPartitionName(at))
    else if (first.lastModifiedMs > frontier.lastModifiedMs && first.baseOffset <= frontier.baseOffset) {
      anew.add(topicPartitionName(at))
      proven ||= first.baseOffset < frontier.baseOffset
    }
  }
  return proven ? anew : null
}

async function addIncarnationColumn(
  metadata: TableMetadata,
  table: TableIdentifier,
  committer: TableCommitter,
  { catalog, entropy }: DirectionSeams,
): Promise<void> {
  const schema = currentSchema(metadata)
  const id = metadata['last-column-id'] + 1
  const doc = 'Which log of this source: null for the first, 2 and so on after it was restarted at offset 0'
  const fields = [...schema.fields, { id, name: incarnationColumn, required: false, type: 'int' as const, doc }]
  const schemaId = Math.max(...metadata.schemas.map((one) => one['schema-id'] ?? 0)) + 1
  const outcome = await catalog.commitTable(table, {
    requirements: [
      { type: 'assert-table-uuid', uuid: metadata['table-uuid'] },
      { type: 'assert-current-schema-id', 'current-schema-id': metadata['current-schema-id'] },
      { type: 'assert-last-assigned-field-id', 'last-assigned-field-id': metadata['last-column-id'] },
    ],
    updates: [
      { action: 'add-schema', schema: { ...schema, 'schema-id': schemaId, fields }, 'last-column-id': id },
      { action: 'set-current-schema', 'schema-id': -1 },
    ],
    idempotencyKey: entropy.uuidV7(),
  })
  if (outcome.kind !== 'committed') {
    const retry = outcome.kind === 'refused' ? 'never' : 'later'
    throw new WorkError(`table ${committer.name}: the column ${incarnationColumn} could not be added: ${outcome.reason}`, { retry })
  }
}

/**
 * Throws the stop of a table whose progress is all of other sources, where this source's segments may be those that were materialized
 * from there: the log was copied or goes on at another place, or the place has got another name. Offsets alone can not tell.
 */
export async function refuseStrangeSource(
  state: TableState,
  source: SourceIdentity,
  partitions: readonly TopicPartition[],
  table: string,
  store: ObjectStore,
): Promise<void> {
  if ([...state.progress.keys()].some((id) => parseIncarnation(id).source === source.id)) return
  for (const { source: id, at, ranges } of decidedSets(state.progress)) {
    const end = endOf(ranges)
    if (end === undefined || ranges.every(([from, to]) => from === to)) continue
    if (!partitions.some(({ topic, partition }) => topic === at.topic && partition === at.partition)) continue
    const { objects } = await listSegments(store, source.prefix, at, ranges[0][0], { maxBytes: 0, maxObjects: 1 })
    if (objects.length === 0) continue
    throw new WorkError(
      `table ${table} is stopped: ${topicPartitionName(at)} was materialized from ${id} up to offset ${end}, and ${source.id}, of which it knows nothing, has segments of these offsets or later ones. ` +
        `If the source has moved, run with --source-moved ${parseIncarnation(id).source}; if it is another log that goes into the same table, run with --source-added`,
      { retry: 'never' },
    )
  }
}

function partitionsIn(frontiers: Frontiers, id: string): TopicPartition[] {
  return [...(frontiers.get(id) ?? [])].flatMap(([topic, of]) => [...of.keys()].map((partition) => ({ topic, partition })))
}

/** The object of the segment with this base offset, if it is there, and the store's time. */
async function segmentAt(store: ObjectStore, prefix: string, at: TopicPartition, baseOffset: bigint) {
  const { objects, listedAtMs } = await listSegments(store, prefix, at, baseOffset, { maxBytes: 0, maxObjects: 1 })
  const name = `segment-${baseOffset.toString().padStart(20, '0')}.kfs`
  return { listed: objects.find(({ key }) => key.endsWith(name)), listedAtMs }
}

async function firstSegment(store: ObjectStore, prefix: string, at: TopicPartition) {
  const { objects, listedAtMs } = await listSegments(store, prefix, at, null, { maxBytes: 0, maxObjects: 1 })
  return acceptSegments(objects, listedAtMs, 0).segments[0]
}

function directionError(committer: TableCommitter, message: string): WorkError {
  return new WorkError(`table ${committer.name} is stopped: ${message}`, { retry: 'never' })
}
