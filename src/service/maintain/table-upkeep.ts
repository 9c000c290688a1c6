import { currentSnapshot, type TableMetadata } from '../../formats/iceberg/table-metadata.ts'
import { WorkError } from '../../model/failure.ts'
import type { TableIdentifier } from '../../seams/catalog.ts'
import type { ProcessorDocument } from '../../spec/document.ts'
import { lackOfMemory } from '../../spec/rewrite-memory.ts'
import { AutoCompaction, defaultBytesPerHour, rewrittenBytes } from './auto-compaction.ts'
import { ancestorsOf, isOurs } from '../../pipeline/commit/table-state.ts'
import { summaryKeys } from '../../pipeline/commit/summary-keys.ts'
import { chooseExpired, expirySettings } from '../../pipeline/maintain/choose-expired.ts'
import { dueUpkeep, type UpkeepDecision, type UpkeepKind } from '../../pipeline/maintain/due-upkeep.ts'
import type { CommitterSeams } from '../feed/commit-loop.ts'
import type { ProcessorSeams } from '../feed/processor-seams.ts'
import { type RetentionContext, retentionColumn, retireRows } from './row-retention.ts'
import { type SweepSeams, sweepOrphans } from './orphan-sweep.ts'
import { defaultSafeAgeHours } from './sweep-tables.ts'
import { expireTable } from './table-expirer.ts'
import { TableRewriter } from './table-rewriter.ts'

/** Files are rewritten where somebody takes such tasks from the queue. */
type UpkeepSeams = CommitterSeams & SweepSeams & Partial<Pick<ProcessorSeams, 'queue' | 'rewrites'>>
type Spec = ProcessorDocument['spec']

/** What was done, as far as this process knows. */
export interface UpkeepMemory {
  /** When what was done last, ms. */
  readonly last: ReadonlyMap<UpkeepKind, number>
  readonly isCompacting: boolean
  /** Bytes that were planned to be rewritten in the last hour; the table tells those that were. */
  readonly hoursBytes: number
}

/** Of who has done nothing yet. */
export const noMemory: UpkeepMemory = { last: new Map(), isCompacting: false, hoursBytes: 0 }

/** What a table's upkeep needs now, by its metadata. */
export function decideUpkeep(
  metadata: TableMetadata,
  { maintenance: asked, processing }: Pick<Spec, 'maintenance' | 'processing'>,
  ownUpkeep: string | undefined,
  { last, isCompacting, hoursBytes }: UpkeepMemory,
  nowMs: number,
): UpkeepDecision[] {
  const settings = expirySettings(metadata, asked?.expiry)
  const newestOfOurs = ancestorsOf(metadata).ancestors.find(isOurs)?.['snapshot-id'] ?? null
  const age = asked?.retention === undefined ? null : retentionColumn(metadata, asked.retention, nowMs)
  const { snapshots, refs } = chooseExpired(metadata, settings, newestOfOurs, nowMs)
  const facts = {
    ownUpkeep,
    isOurs: metadata.properties?.[summaryKeys.layout] !== undefined,
    gcDisabled: metadata.properties?.['gc.enabled']?.toLowerCase() === 'false',
    retention: { days: asked?.retention?.days, problem: typeof age === 'string' ? age : null, lastMs: last.get('retention') ?? null },
    compaction: {
      enabled: asked?.compaction?.enabled,
      lack: lackOfMemory(processing),
      ...fileCounts(metadata, processing.targetFileSizeBytes),
      bytesLeft: (asked?.compaction?.bytesPerHour ?? defaultBytesPerHour) - Math.max(hoursBytes, rewrittenBytes(metadata, nowMs)),
      isRunning: isCompacting,
      lastMs: last.get('compaction') ?? null,
    },
    manifests: { lastMs: last.get('manifests') ?? null },
    expiry: {
      enabled: asked?.expiry?.enabled,
      expired: snapshots.length + refs.length,
      maxSnapshots: settings.maxSnapshots,
      lastMs: last.get('expiry') ?? null,
    },
    orphans: { enabled: asked?.orphans?.enabled, lastMs: last.get('orphans') ?? null },
  }
  return dueUpkeep(facts, nowMs)
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
  readonly #last = new Map<UpkeepKind, number>()
  readonly #compaction: AutoCompaction | null
  #compacting: Promise<void> | null = null
  #committed = false

  constructor(table: TableIdentifier, context: RetentionContext, seams: UpkeepSeams) {
    this.#table = table
    this.#asked = context.document.spec.maintenance
    this.#context = context
    this.#seams = seams
    const { queue, rewrites } = seams
    this.#compaction = queue === undefined || rewrites === undefined ? null : new AutoCompaction(table, context, { ...seams, queue })
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
    let kind: UpkeepKind | null = null
    try {
      const loaded = await catalog.loadTable(this.#table)
      if (loaded === null) return
      const { spec } = this.#context.document
      for (const decision of decideUpkeep(loaded.metadata, spec, catalog.profile.ownUpkeep, this.#memory(), clock.now())) {
        if (!decision.due || signal.aborted) continue
        kind = decision.kind
        // What fails is not tried at once again.
        this.#last.set(kind, clock.now())
        if (kind === 'compaction') this.#startCompaction(signal)
        else {
          await this.#carryOut(kind, signal)
          this.#seams.meter.add(`upkeep.${kind}.done`, 1, { table: this.#table.name })
        }
      }
    } catch (error) {
      if (!signal.aborted) this.#tellFailure(kind, error)
    }
  }

  #memory(): UpkeepMemory {
    const hoursBytes = this.#compaction?.hoursBytes() ?? 0
    return { last: this.#last, isCompacting: this.#compacting !== null, hoursBytes }
  }

  /** Goes on beside everything else: a rewrite waits until no other task does. */
  #startCompaction(signal: AbortSignal): void {
    if (this.#compaction === null) return
    const { meter } = this.#seams
    this.#compacting = this.#compaction
      .run(signal)
      .then(
        () => meter.add('upkeep.compaction.done', 1, { table: this.#table.name }),
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
    const { snapshots, kept, files, bytes, left } = await expireTable(this.#table, settings, this.#seams, { dryRun: false, signal })
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

  #tellFailure(kind: UpkeepKind | null, error: unknown): void {
    const { journal, meter } = this.#seams
    if (kind !== null) meter.add(`upkeep.${kind}.failed`, 1, { table: this.#table.name })
    const fields = { table: this.#table.name, upkeep: kind ?? 'look', error: error instanceof Error ? error : new Error(String(error)) }
    if (error instanceof WorkError) journal.warn('upkeep failed and is tried again later', fields)
    else journal.error('upkeep failed unexpectedly and is tried again later', fields)
  }
}
