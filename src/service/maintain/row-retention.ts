import type { ManifestEntry } from '../../formats/iceberg/data-file.ts'
import { metricsModes } from '../../formats/iceberg/metrics-config.ts'
import { dataDirectory } from '../../formats/iceberg/table-location.ts'
import { currentSchema, type TableMetadata } from '../../formats/iceberg/table-metadata.ts'
import { WorkError } from '../../model/failure.ts'
import { normalizeRanges, type OffsetRange, type OffsetRanges, subtractRanges } from '../../model/offset-range.ts'
import { topicPartitionName, type TopicPartition } from '../../model/topic-partition.ts'
import type { TableIdentifier } from '../../seams/catalog.ts'
import type { ProcessorDocument } from '../../spec/document.ts'
import type { TopicMapping } from '../../spec/table-mapping.ts'
import { parseLayout } from '../../pipeline/commit/stored-layout.ts'
import { summaryKeys } from '../../pipeline/commit/summary-keys.ts'
import type { CommitterSeams } from '../feed/commit-loop.ts'
import type { Limits } from '../tasks/limits.ts'
import { kafkaColumns } from '../verify/looked-at.ts'
import type { AbsentRows, PartitionOffsets } from '../../pipeline/maintain/absent-rows.ts'
import type { RefusedResult } from '../../pipeline/maintain/judge-results.ts'
import type { LiveFile, RewriteResult } from '../../pipeline/maintain/rewrite-flow.ts'
import { ageOfFile, type RowAge, rowAge } from '../../pipeline/maintain/row-age.ts'
import type { SourceIdentity } from '../../model/source-identity.ts'
import { rewriteGroup } from '../tasks/rewriter.ts'
import { enterFiles } from '../verify/table-books.ts'
import { type ComparedClocks, refuseClockAhead } from './clock-ahead.ts'
import { outputsOf } from './table-compactor.ts'
import { type ChosenFile, TableRewriter } from './table-rewriter.ts'
import { DeletedRows } from '../../pipeline/verify/deleted-rows.ts'
import { type KafkaColumns, type SpecEntry, type TableFile, tableFile } from '../../pipeline/verify/table-files.ts'

/** How long rows are kept. */
export interface Retention {
  /** The column with their time; `kafka_timestamp` also means whatever the table calls that. */
  readonly by: string
  readonly days: number
}

/** Whose table it is, and how it is worked on. */
export interface RetentionContext {
  readonly document: ProcessorDocument
  readonly source: SourceIdentity
  readonly limits: Limits
  readonly kafkaColumns: TopicMapping['kafkaColumns']
}

/** What became of old rows. */
export interface RetentionReport {
  /** Files that went whole, with all their rows. */
  readonly files: number
  /** Files that had old and other rows, and were rewritten without the old ones. */
  readonly rewritten: number
  readonly rows: bigint
}

/** Files looked at between two commits. */
const filesAtOnce = 500
/** One run is for so many of these; the next goes on. */
const maxPasses = 40
/** Rewrites of one commit. */
const rewritesPerCommit = 20

interface Rewriting {
  readonly metadata: TableMetadata
  readonly sequenceNumber: bigint
  /** Which rows are left out; absent: those that others have deleted. */
  readonly age?: RowAge
  readonly signal: AbortSignal
}

/** The column that `by` means in a table; a text where there is none, or none with times. */
export function retentionColumn(metadata: TableMetadata, { by, days }: Retention, nowMs: number): RowAge | string {
  const { fields } = currentSchema(metadata)
  const text = metadata.properties?.[summaryKeys.layout]
  const alias = by === 'kafka_timestamp' && text !== undefined ? parseLayout(text)?.columns.timestamp : undefined
  const field = fields.find(({ name }) => name === by) ?? fields.find(({ name }) => name === alias)
  if (field === undefined) return `the table has no column ${by}`
  const age = rowAge(field, days, nowMs)
  if (age === null) return `its column ${field.name} is no date and no timestamp`
  const mode = metricsModes({ fields }, metadata.properties ?? {}, new Set([field.id])).get(field.id)?.kind
  if (mode === 'none' || mode === 'counts')
    return `its properties write.metadata.metrics keep no bounds of ${field.name}, so every file would be read`
  return age
}

/**
 * Takes rows out of a table that are older than they are to be kept: files with no other rows as whole, by metadata alone, and those that have some by
 * rewriting them. The offsets of the rows stay decided, and are accepted as absent, so that `verify` does not miss them. Whatever ends this, what is
 * committed stays, and the next run goes on. Throws a WorkError where this machine's clock can not tell what is old.
 */
export async function retireRows(
  table: TableIdentifier,
  asked: Retention,
  context: RetentionContext,
  seams: CommitterSeams & ComparedClocks,
  signal: AbortSignal,
): Promise<RetentionReport> {
  await refuseClockAhead('rows are not deleted by age', context.source.prefix, seams)
  const loaded = await seams.catalog.loadTable(table, { fresh: true })
  if (loaded === null) throw new WorkError(`table ${table.name} does not exist`, { retry: 'never' })
  const retiring = new Retiring(
    new TableRewriter(context.source.id, table, context.document.metadata.name, loaded.metadata, seams),
    asked,
    context,
    seams,
  )
  for (let pass = 0; pass < maxPasses && !signal.aborted; pass++) if (!(await retiring.pass(signal))) break
  return retiring.report
}

class Retiring {
  readonly #rewriter: TableRewriter
  readonly #asked: Retention
  readonly #context: RetentionContext
  readonly #seams: CommitterSeams
  /** Files that had no old row after all, whatever their bounds say. */
  readonly #passedOver = new Set<string>()
  /** Files out of which everything is taken that others deleted. */
  readonly #applied = new Set<string>()
  report: RetentionReport = { files: 0, rewritten: 0, rows: 0n }

  constructor(rewriter: TableRewriter, asked: Retention, context: RetentionContext, seams: CommitterSeams) {
    this.#rewriter = rewriter
    this.#asked = asked
    this.#context = context
    this.#seams = seams
  }

  /** Looks once; whether there may be more. */
  async pass(signal: AbortSignal): Promise<boolean> {
    let age: RowAge | undefined
    const { files, metadata, sequenceNumber } = await this.#rewriter.choose((now) => {
      const column = retentionColumn(now, this.#asked, this.#seams.clock.now())
      if (typeof column === 'string') throw new WorkError(`rows are not deleted by age: ${column}`, { retry: 'never' })
      age = column
      return ({ dataFile }) => {
        const kind = dataFile.fileFormat !== 'PARQUET' || this.#passedOver.has(dataFile.filePath) ? 'young' : ageOfFile(dataFile, column)
        return kind === 'young' ? null : kind
      }
    }, filesAtOnce)
    if (files.length === 0 || age === undefined) return false
    const columns = kafkaColumns(this.#rewriter.name, metadata, this.#context.kafkaColumns)
    const old = files.filter(({ why }) => why === 'old')
    const before = await this.#offsetsIn(files, columns)
    if (old.length > 0) {
      const { deleted } = await this.#rewriter.deleteFiles(
        old.map(({ input }) => input.live),
        before,
      )
      this.#add({ files: deleted.length, rewritten: 0, rows: deleted.reduce((sum, { file }) => sum + file.recordCount, 0n) })
    }
    const mixed = files.filter(({ why }) => why === 'mixed')
    const [others, clean] = [mixed.filter((one) => this.#hasDeletes(one)), mixed.filter((one) => !this.#hasDeletes(one))]
    const how = { metadata, sequenceNumber, signal }
    await inBatches(others, signal, (batch) => this.#applyDeletes(batch, how))
    await inBatches(clean, signal, (batch) => this.#dropOld(batch, before, columns, { ...how, age: age! }))
    return files.length >= filesAtOnce || others.length > 0
  }

  #hasDeletes({ input }: ChosenFile<unknown>): boolean {
    return input.deletes.length > 0 && !this.#applied.has(input.live.file.filePath)
  }

  /** What others have deleted is taken out for itself, since it is not accepted as absent. */
  async #applyDeletes(files: readonly ChosenFile<unknown>[], how: Omit<Rewriting, 'age'>): Promise<void> {
    const startedAtMs = this.#seams.clock.now()
    const results: RewriteResult[] = []
    for (const file of files) {
      const result = await this.#rewrite(file, how)
      for (const { filePath } of result.files) this.#applied.add(filePath)
      if (await this.#isEmpty(result)) this.#applied.add(file.input.live.file.filePath)
      else results.push(result)
    }
    if (results.length > 0) this.#tellRefused((await this.#rewriter.replace(results, startedAtMs)).refused)
  }

  async #dropOld(files: readonly ChosenFile<unknown>[], before: AbsentRows, columns: KafkaColumns, how: Rewriting): Promise<void> {
    const startedAtMs = this.#seams.clock.now()
    const results: RewriteResult[] = []
    const absent = new Map<string, readonly PartitionOffsets[]>()
    for (const file of files) {
      const { live } = file.input
      const result = await this.#rewrite(file, how)
      if (await this.#isEmpty(result)) {
        this.#passedOver.add(live.file.filePath)
        continue
      }
      results.push(result)
      const kept = await this.#offsetsIn(
        result.files.map((dataFile) => ({ entry: entryOf(dataFile, live), specId: live.specId })),
        columns,
      )
      absent.set(live.file.filePath, without(before.get(live.file.filePath) ?? [], [...kept.values()].flat()))
    }
    if (results.length === 0) return
    const { committed, refused } = await this.#rewriter.dropRows(results, startedAtMs, absent)
    this.#tellRefused(refused)
    this.#add({ files: 0, rewritten: committed.length, rows: committed.reduce((sum, { rowsDeleted }) => sum + rowsDeleted, 0n) })
  }

  /** Whether a rewrite took no row out. Then nobody is told of its files, so nobody misses them. */
  async #isEmpty({ rowsDeleted, files }: RewriteResult): Promise<boolean> {
    if (rowsDeleted > 0n) return false
    for (const { filePath } of files) await this.#seams.io.remove(filePath)
    return true
  }

  #tellRefused(refused: readonly RefusedResult[]): void {
    for (const { reason } of refused) this.#seams.journal.info('rewrite refused, planned again', { table: this.#rewriter.name, reason })
  }

  #rewrite({ specId, input }: ChosenFile<unknown>, { metadata, sequenceNumber, age, signal }: Rewriting): Promise<RewriteResult> {
    const { limits } = this.#context
    const directory = dataDirectory(metadata)
    const group = { specId, partition: input.live.file.partition, inputs: [input], sequenceNumber }
    const { exemptIds, ...outputs } = outputsOf(metadata, limits)
    return rewriteGroup(group, metadata, {
      ...outputs,
      io: this.#seams.io,
      ...(age !== undefined && { dropOld: age }),
      rowGroupBytes: limits.rowGroupBytes,
      memoryLimitBytes: limits.maxBatchBytes,
      newLocation: () => `${directory}/${this.#seams.entropy.uuid()}.parquet`,
      exemptIds: new Set(age === undefined ? exemptIds : [...exemptIds, age.field.id]),
      signal,
    })
  }

  /** The offsets of all rows of files, deleted ones too, by path. Throws a WorkError where a file does not tell. */
  async #offsetsIn(entries: readonly SpecEntry[], columns: KafkaColumns): Promise<Map<string, PartitionOffsets[]>> {
    const files: readonly TableFile[] = entries.map((entry) => tableFile(entry, columns))
    const { io } = this.#seams
    const { books, notes } = await enterFiles(files, {
      io,
      columns,
      prefix: this.#context.source.prefix,
      exact: false,
      deletes: new DeletedRows(),
    })
    if (notes.length > 0) throw new WorkError(`old rows are not deleted: ${notes.join('; ')}`, { retry: 'later' })
    const found = new Map<string, PartitionOffsets[]>()
    for (const { at, runs } of books.all()) {
      const byFile = new Map<number, OffsetRange[]>()
      runs.forEach((start, end, file) => {
        const known = byFile.get(file)
        if (known === undefined) byFile.set(file, [[start, end]])
        else known.push([start, end])
      })
      for (const [file, ranges] of byFile) {
        const own = found.get(files[file].path) ?? []
        own.push({ at, ranges: normalizeRanges(ranges) })
        found.set(files[file].path, own)
      }
    }
    return found
  }

  #add(more: RetentionReport): void {
    const { files, rewritten, rows } = this.report
    this.report = { files: files + more.files, rewritten: rewritten + more.rewritten, rows: rows + more.rows }
  }
}

async function inBatches<T>(all: readonly T[], signal: AbortSignal, work: (batch: readonly T[]) => Promise<void>): Promise<void> {
  for (let at = 0; at < all.length && !signal.aborted; at += rewritesPerCommit) await work(all.slice(at, at + rewritesPerCommit))
}

/** An output that is in no manifest yet. */
function entryOf(dataFile: ManifestEntry['dataFile'], { sequenceNumber }: LiveFile): ManifestEntry {
  return { status: 1, snapshotId: null, sequenceNumber, fileSequenceNumber: null, dataFile }
}

function without(all: readonly PartitionOffsets[], kept: readonly PartitionOffsets[]): PartitionOffsets[] {
  const name = (at: TopicPartition) => topicPartitionName(at)
  const rangesOf = (at: TopicPartition): OffsetRanges =>
    normalizeRanges(kept.flatMap((one) => (name(one.at) === name(at) ? one.ranges : [])))
  return all.map(({ at, ranges }) => ({ at, ranges: subtractRanges(ranges, rangesOf(at)) }))
}
