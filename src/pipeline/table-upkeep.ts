import type { TableMetadata } from '../formats/iceberg/table-metadata.ts'
import { WorkError } from '../model/failure.ts'
import type { TableIdentifier } from '../seams/catalog.ts'
import type { ProcessorDocument } from '../spec/document.ts'
import { ancestorsOf, isOurs } from './commit/table-state.ts'
import { summaryKeys } from './commit/summary-keys.ts'
import { chooseExpired, expirySettings } from './maintain/choose-expired.ts'
import { dueUpkeep, type UpkeepDecision, type UpkeepKind } from './maintain/due-upkeep.ts'
import type { CommitterSeams } from './commit-loop.ts'
import { type RetentionContext, retentionColumn, retireRows } from './row-retention.ts'
import { type SweepSeams, sweepOrphans } from './orphan-sweep.ts'
import { defaultSafeAgeHours } from './sweep-tables.ts'
import { expireTable } from './table-expirer.ts'

type UpkeepSeams = CommitterSeams & SweepSeams
type Maintenance = ProcessorDocument['spec']['maintenance']

/** When what was done last, ms. */
export type LastDone = ReadonlyMap<UpkeepKind, number>

/** What a table's upkeep needs now, by its metadata. */
export function decideUpkeep(
  metadata: TableMetadata,
  asked: Maintenance,
  ownUpkeep: string | undefined,
  last: LastDone,
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

/** A table without commits is looked at this often all the same: snapshots come of age. */
const idleMs = 6 * 3_600_000

/**
 * The upkeep of a table, beside its feed: one thing at a time, never in the feed's way. Whatever goes wrong here is told and tried again
 * later; the table is fed all the same.
 */
export class TableUpkeep {
  readonly #table: TableIdentifier
  readonly #asked: Maintenance
  readonly #context: RetentionContext
  readonly #seams: UpkeepSeams
  readonly #last = new Map<UpkeepKind, number>()
  #committed = false

  constructor(table: TableIdentifier, context: RetentionContext, seams: UpkeepSeams) {
    this.#table = table
    this.#asked = context.document.spec.maintenance
    this.#context = context
    this.#seams = seams
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
  }

  /** Does what is due now, if there was a commit. */
  async lookAfterCommits(signal: AbortSignal): Promise<void> {
    if (this.#committed && !signal.aborted) await this.look(signal)
  }

  /** Does what is due now. Never throws. */
  async look(signal: AbortSignal): Promise<void> {
    const { catalog, clock } = this.#seams
    this.#committed = false
    let kind: UpkeepKind | null = null
    try {
      const loaded = await catalog.loadTable(this.#table)
      if (loaded === null) return
      for (const decision of decideUpkeep(loaded.metadata, this.#asked, catalog.profile.ownUpkeep, this.#last, clock.now())) {
        if (!decision.due || signal.aborted) continue
        kind = decision.kind
        // What fails is not tried at once again.
        this.#last.set(kind, clock.now())
        await this.#carryOut(kind, signal)
        this.#seams.meter.add(`upkeep.${kind}.done`, 1, { table: this.#table.name })
      }
    } catch (error) {
      if (!signal.aborted) this.#tellFailure(kind, error)
    }
  }

  #carryOut(kind: UpkeepKind, signal: AbortSignal): Promise<void> {
    switch (kind) {
      case 'retention':
        return this.#retire(signal)
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
