import type { TableMetadata } from '../../formats/iceberg/table-metadata.ts'
import { WorkError } from '../../model/failure.ts'
import type { TableIdentifier } from '../../seams/catalog.ts'
import type { ProcessorDocument } from '../../spec/document.ts'
import { rewritesAtOnce } from '../tasks/limits.ts'
import type { Turns } from '../tasks/turns.ts'
import type { RewritePolicy } from '../../pipeline/maintain/plan-rewrites.ts'
import type { RetentionContext } from './row-retention.ts'
import { compactTable, type CompactorSeams, outputsOf } from './table-compactor.ts'
import { TableRewriter } from './table-rewriter.ts'

/** Bytes that are rewritten in an hour at most, where the document does not say. */
export const defaultBytesPerHour = 16 * 1024 ** 3
/** Files that are younger are left alone, where the document does not say. */
export const defaultQuietMinutes = 10

const hourMs = 3_600_000

/** Rewrites that a service has under way at once, of all its tables: a quarter of the document's workers at most, so that tables are fed meanwhile. */
export function serviceRewrites(processing: ProcessorDocument['spec']['processing']): number {
  return Math.max(1, Math.min(rewritesAtOnce(processing), Math.floor(processing.parallelism / 4)))
}

/** The compaction of a table by the policy of its document. */
export class AutoCompaction {
  readonly #table: TableIdentifier
  readonly #context: RetentionContext
  readonly #seams: CompactorSeams
  readonly #turns: Turns
  /** What was planned here, and when: what failed counts too. */
  #planned: { readonly atMs: number; readonly bytes: number }[] = []
  #postponed = 0

  /** `turns`: of the rewrites of all tables that this process feeds. */
  constructor(table: TableIdentifier, context: RetentionContext, turns: Turns, seams: CompactorSeams) {
    this.#turns = turns
    this.#table = table
    this.#context = context
    this.#seams = seams
  }

  /** Bytes that were planned here to be rewritten within the last hour, done or not. */
  hoursBytes(): number {
    const sinceMs = this.#seams.clock.now() - hourMs
    this.#planned = this.#planned.filter(({ atMs }) => atMs > sinceMs)
    return this.#planned.reduce((sum, { bytes }) => sum + bytes, 0)
  }

  /** Data files that were worth a rewrite when it was looked last, and went beyond the hour's budget. */
  get postponed(): number {
    return this.#postponed
  }

  /**
   * Rewrites what is worth it and not young, as far as the hour's budget goes, with a quarter of the document's workers at most. Once `signal`
   * aborts, what is under way is finished and committed. Throws a WorkError where a rewrite failed; the others are done all the same.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { document, source, limits } = this.#context
    const { maintenance, processing } = document.spec
    const { bytesPerHour = defaultBytesPerHour, quietMinutes = defaultQuietMinutes } = maintenance?.compaction ?? {}
    const loaded = await this.#seams.catalog.loadTable(this.#table)
    if (loaded === null) return
    const rewriter = new TableRewriter(source.id, this.#table, document.metadata.name, loaded.metadata, this.#seams)
    const nowMs = this.#seams.clock.now()
    let maxBytes = 0
    const { plan, metadata } = await rewriter.plan((current) => {
      maxBytes = bytesPerHour - Math.max(this.hoursBytes(), rewrittenBytes(current, nowMs))
      return { targetFileSizeBytes: limits.targetFileSizeBytes, isQuiet: youngerThan(quietMinutes * 60_000, current, nowMs), maxBytes }
    })
    const { rewrites, cost, postponed, quiet } = plan
    this.#postponed = postponed.inputFiles
    if (rewrites.length === 0 || maxBytes <= 0) return
    const { journal } = this.#seams
    const about = { table: rewriter.name, files: cost.inputFiles, deletes: cost.deleteFiles, bytes: cost.inputBytes }
    journal.info('rewrite of files begun', { ...about, rewrites: rewrites.length, postponed: postponed.inputFiles, young: quiet })
    this.#planned.push({ atMs: nowMs, bytes: cost.inputBytes + cost.deleteBytes })
    const options = {
      ...outputsOf(metadata, processing),
      table: this.#table.name,
      atOnce: serviceRewrites(processing),
      turns: this.#turns,
      signal,
    }
    const { failed, problem } = await compactTable(rewriter, plan, metadata, options, this.#seams)
    if (failed > 0) throw new WorkError(`${failed} of ${rewrites.length} rewrites failed: ${problem}`, { retry: 'later' })
  }
}

/**
 * Bytes of files that rewrites took out of a table within the last hour, whoever made them: what a process before this one did, and those
 * beside it, tell the summaries of their snapshots.
 */
export function rewrittenBytes({ snapshots = [] }: TableMetadata, nowMs: number): number {
  let bytes = 0
  for (const { 'timestamp-ms': atMs, summary } of snapshots) {
    if (summary.operation === 'replace' && nowMs - atMs < hourMs) bytes += Number(summary['removed-files-size'] ?? 0) || 0
  }
  return bytes
}

/** As many data files as came with commits of the last `quietMs`, at most, by the summaries of the snapshots that are there; null where none is so young. */
export function youngFiles({ snapshots = [] }: TableMetadata, quietMs: number, nowMs: number): number | null {
  const young = snapshots.filter((one) => nowMs - one['timestamp-ms'] < quietMs)
  return young.length === 0 ? null : young.reduce((sum, { summary }) => sum + (Number(summary['added-data-files'] ?? 0) || 0), 0)
}

/** Which files came with a commit of the last `quietMs`: the next rewrite would take them again. */
export function youngerThan(quietMs: number, metadata: TableMetadata, nowMs: number): RewritePolicy['isQuiet'] {
  const snapshots = metadata.snapshots ?? []
  const numbers = (isYoung: boolean) =>
    snapshots.flatMap((one) => (nowMs - one['timestamp-ms'] < quietMs === isYoung ? [one['sequence-number'] ?? 0n] : []))
  const young = numbers(true)
  if (young.length === 0) return () => false
  // Snapshots may be thinned out, also young ones: a file is as young as the first snapshot that is left after it.
  const newestOld = numbers(false).reduce((max, number) => (number > max ? number : max), -1n)
  const oldest = newestOld >= 0n ? newestOld : young.reduce((min, number) => (number < min ? number : min)) - 1n
  return ({ fileSequenceNumber }) => fileSequenceNumber !== null && fileSequenceNumber > oldest
}
