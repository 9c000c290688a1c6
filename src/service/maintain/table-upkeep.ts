import { currentSnapshot, type Snapshot, type TableMetadata } from '../../formats/iceberg/table-metadata.ts'
import { WorkError } from '../../model/failure.ts'
import type { UpkeepView } from '../../model/health.ts'
import type { CatalogProfile, TableIdentifier } from '../../seams/catalog.ts'
import type { ProcessorDocument } from '../../spec/document.ts'
import { lackOfMemory } from '../../spec/rewrite-memory.ts'
import { AutoCompaction, defaultBytesPerHour, defaultQuietMinutes, rewrittenBytes, serviceRewrites, youngFiles } from './auto-compaction.ts'
import { ancestorsOf, isOurs } from '../../pipeline/commit/table-state.ts'
import { summaryKeys } from '../../pipeline/commit/summary-keys.ts'
import { chooseExpired, expirySettings } from '../../pipeline/maintain/choose-expired.ts'
import { decodeRequests } from '../../pipeline/commit/requests-text.ts'
import { dueUpkeep, type UpkeepDecision, type UpkeepFacts, type UpkeepKind } from '../../pipeline/maintain/due-upkeep.ts'
import { upkeepTimes, withUpkeepTime } from './upkeep-times.ts'
import type { CommitterSeams } from '../feed/commit-loop.ts'
import { besideCommits } from '../feed/in-turn.ts'
import type { ProcessorSeams } from '../feed/processor-seams.ts'
import { type RetentionContext, retentionColumn, retireRows } from './row-retention.ts'
import { type SweepSeams, sweepOrphans } from './orphan-sweep.ts'
import { defaultSafeAgeHours } from './sweep-tables.ts'
import { expireTable } from './table-expirer.ts'
import { TableRewriter } from './table-rewriter.ts'
import { Turns } from '../tasks/turns.ts'

/** Files are rewritten where somebody takes such tasks from the queue. */
type UpkeepSeams = CommitterSeams & SweepSeams & Pick<ProcessorSeams, 'source'> & Partial<Pick<ProcessorSeams, 'queue' | 'rewrites'>>
type Spec = ProcessorDocument['spec']

/** What was done, as far as this process knows. */
export interface UpkeepMemory {
  /** When what was done last, ms; null: only what the table tells is known. */
  readonly last: ReadonlyMap<UpkeepKind, number> | null
  readonly isCompacting: boolean
  /** Bytes that were planned to be rewritten in the last hour; the table tells those that were. */
  readonly hoursBytes: number
  /** Data files that were worth a rewrite when it was looked last, and went beyond the hour's budget. */
  readonly postponed: number
}

/** Of who is not the service. */
export const noMemory: UpkeepMemory = { last: null, isCompacting: false, hoursBytes: 0, postponed: 0 }

/** What a table's upkeep needs now, by its metadata. */
export function decideUpkeep(
  metadata: TableMetadata,
  { maintenance: asked, processing }: Pick<Spec, 'maintenance' | 'processing'>,
  { ownUpkeep, propertiesInCommit }: Pick<CatalogProfile, 'ownUpkeep' | 'propertiesInCommit'>,
  { last, isCompacting, hoursBytes, postponed }: UpkeepMemory,
  nowMs: number,
): UpkeepDecision[] {
  const told = upkeepTimes(metadata, nowMs, asked)
  const lastOf = (kind: UpkeepKind) => {
    const [own, there] = [last?.get(kind), told.get(kind)]
    // A clock that was set back since tells nothing, and nobody waits for that time to come again.
    const here = own !== undefined && own > nowMs ? undefined : own
    if (here !== undefined && there !== undefined) return Math.max(here, there)
    return here ?? there ?? (last === null && !propertiesInCommit ? undefined : null)
  }
  const settings = expirySettings(metadata, asked?.expiry)
  const newest = ancestorsOf(metadata).ancestors.find(isOurs)
  const age = asked?.retention === undefined ? null : retentionColumn(metadata, asked.retention, nowMs)
  const { snapshots, refs } = chooseExpired(metadata, settings, newest?.['snapshot-id'] ?? null, nowMs)
  const facts = {
    ownUpkeep,
    isOurs: metadata.properties?.[summaryKeys.layout] !== undefined,
    gcDisabled: metadata.properties?.['gc.enabled']?.toLowerCase() === 'false',
    retention: { days: asked?.retention?.days, problem: typeof age === 'string' ? age : null, lastMs: lastOf('retention') },
    compaction: {
      enabled: asked?.compaction?.enabled,
      lack: lackOfMemory(processing),
      ...fileCounts(metadata, processing.targetFileSizeBytes),
      bytesLeft: (asked?.compaction?.bytesPerHour ?? defaultBytesPerHour) - Math.max(hoursBytes, rewrittenBytes(metadata, nowMs)),
      postponed,
      young: young(metadata, asked?.compaction?.quietMinutes ?? defaultQuietMinutes, nowMs),
      backfills: backfillsUnderWay(newest),
      isRunning: isCompacting,
      lastMs: last?.get('compaction') ?? null,
    },
    manifests: { lastMs: lastOf('manifests') },
    expiry: {
      enabled: asked?.expiry?.enabled,
      expired: snapshots.length + refs.length,
      maxSnapshots: settings.maxSnapshots,
      lastMs: lastOf('expiry') ?? null,
    },
    orphans: { enabled: asked?.orphans?.enabled, lastMs: lastOf('orphans') },
  }
  return dueUpkeep(facts, nowMs)
}

function young(metadata: TableMetadata, minutes: number, nowMs: number): UpkeepFacts['compaction']['young'] {
  const files = youngFiles(metadata, minutes * 60_000, nowMs)
  return files === null ? null : { files, minutes }
}

/** Backfills that our newest snapshot says are under way; none where its words are those of a newer program. */
function backfillsUnderWay(newest: Snapshot | undefined): string[] {
  const text = newest?.summary[summaryKeys.requests]
  if (text === undefined) return []
  try {
    return decodeRequests(text, 'requests').backfills.flatMap(({ id, state }) => (state === 'active' ? [id] : []))
  } catch {
    return []
  }
}

/** By the summary of the current snapshot. */
function fileCounts(metadata: TableMetadata, targetFileSizeBytes: number) {
  const summary = currentSnapshot(metadata)?.summary
  const total = (key: string) => (summary?.[key] === undefined ? null : Number(summary[key]))
  const bytes = total('total-files-size')
  return {
    files: summary === undefined ? 0 : total('total-data-files'),
    filesAtTarget: bytes === null ? null : Math.ceil(bytes / targetFileSizeBytes),
    deleteFiles: total('total-delete-files') ?? 0,
  }
}

/** What the tables share that a process keeps: what takes memory is done for as many of them at once as there is memory for. */
export class UpkeepTurns {
  /** Each is one group of files. */
  readonly rewrites: Turns
  readonly #others = new Map<UpkeepKind, Turns>()

  constructor(processing: Spec['processing']) {
    this.rewrites = new Turns(serviceRewrites(processing))
  }

  /** What is no rewrite is done for one table at a time; kinds do not wait for each other. */
  of(kind: UpkeepKind): Turns {
    let turns = this.#others.get(kind)
    if (turns === undefined) this.#others.set(kind, (turns = new Turns(1)))
    return turns
  }
}

/** Somebody may commit at the same time. */
const noteAttempts = 3
/** A table without commits is looked at this often all the same: snapshots come of age. */
const idleMs = 6 * 3_600_000

/**
 * The upkeep of a table, beside its feed: one thing at a time, never in the feed's way. Whatever goes wrong here is told and tried again
 * later; the table is fed all the same.
 */
export class TableUpkeep {
  readonly #table: TableIdentifier
  readonly #asked: Spec['maintenance']
  readonly #context: RetentionContext
  readonly #seams: UpkeepSeams
  readonly #tell: (view: UpkeepView) => void
  readonly #last = new Map<UpkeepKind, number>()
  /** Why something could not be done the last time. */
  readonly #problems = new Map<UpkeepKind, string>()
  readonly #compaction: AutoCompaction | null
  readonly #turns: UpkeepTurns
  #compacting: Promise<void> | null = null
  #committed = false

  /** `tell` is told of each look what is due then, and why something is put off. */
  constructor(
    table: TableIdentifier,
    context: RetentionContext,
    turns: UpkeepTurns,
    seams: UpkeepSeams,
    tell: (view: UpkeepView) => void = () => {},
  ) {
    this.#turns = turns
    this.#tell = tell
    this.#table = table
    this.#asked = context.document.spec.maintenance
    this.#context = context
    this.#seams = seams
    const { queue, rewrites } = seams
    this.#compaction =
      queue === undefined || rewrites === undefined ? null : new AutoCompaction(table, context, turns.rewrites, { ...seams, queue })
  }

  /** The feed has committed: there may be something to do. */
  tellCommit(): void {
    this.#committed = true
  }

  /** Looks every `intervalMs` whether something is due, until `signal` aborts. */
  async run(intervalMs: number, signal: AbortSignal): Promise<void> {
    const { clock } = this.#seams
    let lookedMs = clock.now()
    while (!signal.aborted) {
      await clock.sleep(intervalMs, signal)
      if (signal.aborted || (!this.#committed && clock.now() - lookedMs < idleMs)) continue
      lookedMs = clock.now()
      await this.look(signal)
    }
    await this.#compacting
  }

  /** Does what is due now, if there was a commit. */
  async lookAfterCommits(signal: AbortSignal): Promise<void> {
    if (this.#committed && !signal.aborted) await this.look(signal)
    await this.#compacting
  }

  /** Does what is due now; of compaction, only the beginning is waited for. Never throws. */
  async look(signal: AbortSignal): Promise<void> {
    const { catalog, clock } = this.#seams
    this.#committed = false
    try {
      const loaded = await catalog.loadTable(this.#table)
      if (loaded === null) return
      const lookedMs = clock.now()
      const decisions: UpkeepDecision[] = []
      for (const decision of this.#decide(loaded.metadata)) {
        if (!decision.due || signal.aborted) decisions.push(decision)
        else decisions.push({ kind: decision.kind, due: false, reason: `${await this.#do(decision.kind, signal)}: ${decision.reason}` })
      }
      if (!signal.aborted) this.#tell({ lookedMs, decisions })
    } catch (error) {
      if (!signal.aborted) this.#tellFailure(null, error)
    }
  }

  /** Does something that is due, and says what became of it. What fails keeps nothing else back, and is not tried at once again. */
  async #do(kind: UpkeepKind, signal: AbortSignal): Promise<string> {
    this.#last.set(kind, this.#seams.clock.now())
    if (kind === 'compaction') {
      this.#startCompaction(signal)
      return 'begun then'
    }
    try {
      await this.#turns.of(kind).take(async () => (signal.aborted ? undefined : this.#carryOut(kind, signal)))
      if (signal.aborted) return 'given up'
      this.#tellDone(kind)
      if (kind !== 'expiry') await this.#note(kind)
      return 'done then'
    } catch (error) {
      if (!signal.aborted) this.#tellFailure(kind, error)
      return `failed then, by ${error instanceof Error ? error.message : String(error)}`
    }
  }

  /** The table tells it to whoever feeds it next, and to `status`. Where that can not be written, this process alone knows. */
  async #note(kind: UpkeepKind): Promise<void> {
    const { clock, entropy, journal } = this.#seams
    const catalog = besideCommits(this.#seams)
    if (!catalog.profile.propertiesInCommit) return
    for (let attempt = 1; attempt <= noteAttempts; attempt++) {
      const loaded = await catalog.loadTable(this.#table, { fresh: true })
      if (loaded === null) return
      const { metadata } = loaded
      const outcome = await catalog.commitTable(this.#table, {
        requirements: [{ type: 'assert-table-uuid', uuid: metadata['table-uuid'] }],
        updates: [{ action: 'set-properties', updates: withUpkeepTime(metadata, kind, clock.now(), this.#asked) }],
        idempotencyKey: entropy.uuidV7(),
      })
      if (outcome.kind === 'committed') return
      journal.info('the table was not told when upkeep was done', { table: this.#table.name, upkeep: kind, reason: outcome.reason })
      if (outcome.kind === 'refused') return
    }
  }

  #decide(metadata: TableMetadata): UpkeepDecision[] {
    const { catalog, clock } = this.#seams
    const decisions = decideUpkeep(metadata, this.#context.document.spec, catalog.profile, this.#memory(), clock.now())
    return decisions.map((one) => {
      const problem = this.#problems.get(one.kind)
      return problem === undefined ? one : { ...one, reason: `${one.reason}; it failed: ${problem}` }
    })
  }

  #memory(): UpkeepMemory {
    const { postponed = 0 } = this.#compaction ?? {}
    const hoursBytes = this.#compaction?.hoursBytes() ?? 0
    return { last: this.#last, isCompacting: this.#compacting !== null, hoursBytes, postponed }
  }

  /** Goes on beside everything else: a rewrite waits until no other task does. */
  #startCompaction(signal: AbortSignal): void {
    if (this.#compaction === null) return
    this.#compacting = this.#compaction
      .run(signal)
      .then(
        () => this.#tellDone('compaction'),
        (error: unknown) => this.#tellFailure('compaction', error),
      )
      .finally(() => (this.#compacting = null))
  }

  #carryOut(kind: Exclude<UpkeepKind, 'compaction'>, signal: AbortSignal): Promise<void> {
    switch (kind) {
      case 'retention':
        return this.#retire(signal)
      case 'manifests':
        return this.#clusterManifests()
      case 'expiry':
        return this.#expire(signal)
      case 'orphans':
        return this.#sweep(signal)
    }
  }

  async #retire(signal: AbortSignal): Promise<void> {
    const { journal, meter } = this.#seams
    const table = this.#table.name
    const { files, rewritten, rows } = await retireRows(this.#table, this.#asked!.retention!, this.#context, this.#seams, signal)
    meter.add('upkeep.rows.retired', Number(rows), { table })
    if (rows > 0n) journal.info('old rows deleted', { table, rows, files, rewritten })
  }

  async #clusterManifests(): Promise<void> {
    const { document, source } = this.#context
    const loaded = await this.#seams.catalog.loadTable(this.#table)
    if (loaded === null) return
    const rewriter = new TableRewriter(source.id, this.#table, document.metadata.name, loaded.metadata, this.#seams)
    const { manifests, rewritten, written } = await rewriter.rewriteManifests({ dryRun: false, onlyWorth: true })
    if (rewritten > 0)
      this.#seams.journal.info('manifests clustered by partition', { table: this.#table.name, manifests, rewritten, written })
  }

  async #expire(signal: AbortSignal): Promise<void> {
    const { journal, meter } = this.#seams
    const table = this.#table.name
    const settings = (metadata: TableMetadata) => expirySettings(metadata, this.#asked?.expiry)
    const { snapshots, kept, files, bytes, left } = await expireTable(
      this.#table,
      settings,
      { ...this.#seams, catalog: besideCommits(this.#seams) },
      { dryRun: false, sourcePrefix: this.#context.source.prefix, signal },
    )
    const removed = Object.values(files).reduce((sum, count) => sum + count)
    meter.add('upkeep.snapshots.expired', snapshots.length, { table })
    meter.add('upkeep.files.removed', removed, { table })
    meter.add('upkeep.bytes.removed', bytes, { table })
    journal.info('snapshots expired', { table, snapshots: snapshots.length, kept, files: removed, bytes, left })
  }

  async #sweep(signal: AbortSignal): Promise<void> {
    const { journal, meter } = this.#seams
    const table = this.#table.name
    const hours = this.#asked?.orphans?.olderThanHours ?? defaultSafeAgeHours
    const { listed, orphans, bytes, removed, left } = await sweepOrphans(
      this.#table,
      { olderThanMs: hours * 3_600_000, remove: true, signal },
      this.#seams,
    )
    meter.add('upkeep.files.removed', removed, { table })
    journal.info('orphans removed', { table, listed, orphans, bytes, removed, left })
  }

  #tellDone(kind: UpkeepKind): void {
    this.#problems.delete(kind)
    this.#seams.meter.add(`upkeep.${kind}.done`, 1, { table: this.#table.name })
  }

  #tellFailure(kind: UpkeepKind | null, error: unknown): void {
    const { journal, meter } = this.#seams
    if (kind !== null) {
      this.#problems.set(kind, error instanceof Error ? error.message : String(error))
      meter.add(`upkeep.${kind}.failed`, 1, { table: this.#table.name })
    }
    const fields = { table: this.#table.name, upkeep: kind ?? 'look', error: error instanceof Error ? error : new Error(String(error)) }
    if (error instanceof WorkError) journal.warn('upkeep failed and is tried again later', fields)
    else journal.error('upkeep failed unexpectedly and is tried again later', fields)
  }
}
