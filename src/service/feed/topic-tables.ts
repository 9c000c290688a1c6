import { WorkError } from '../../model/failure.ts'
import type { PartitionLag } from '../../model/health.ts'
import type { SourceIdentity } from '../../model/source-identity.ts'
import { type TopicPartition, topicPartitionName } from '../../model/topic-partition.ts'
import { lagOf, segmentsIn } from '../../pipeline/plan/backlog.ts'
import { listSegments } from '../../pipeline/plan/list-segments.ts'
import { forEachAtOnce } from '../../pipeline/verify/at-once.ts'
import type { ProcessorDocument } from '../../spec/document.ts'
import { claimsOf, type LeftOutTopics, type MappedTable, settleClaims } from '../../spec/table-mapping.ts'
import type { Discovery } from './discovery.ts'
import type { DocumentWatch } from './document-watch.ts'
import type { ProcessorSeams } from './processor-seams.ts'
import { claimsHeld } from './settled-tables.ts'

/** Objects of a topic-partition that is left out that are listed, to know how much of it waits: one page. */
const maxObjects = 1000
/** And so many topic-partitions side by side. */
const listingsAtOnce = 16

/**
 * The tables of the topics there are. Whoever may write into the bucket may make a topic whose name meets another's in one table: that
 * stops neither the table nor the document. The topic whose rows the table has goes on, also where the source has nothing of it any more;
 * the others are left out and told as stopped.
 */
export class TopicTables {
  readonly #document: ProcessorDocument
  readonly #source: SourceIdentity
  readonly #discovery: Discovery
  readonly #watch: DocumentWatch
  readonly #seams: ProcessorSeams
  #mapped: ReadonlyMap<string, MappedTable> = new Map()
  #leftOut: readonly LeftOutTopics[] = []
  #from: readonly TopicPartition[] | null = null
  #settling: Promise<void> = Promise.resolve()
  /** Topics of which tables were found to have progress, by the table's name in lower case. */
  readonly #held = new Map<string, ReadonlySet<string>>()
  /** What waits in topic-partitions that are left out, as they were listed last. */
  #lags = new Map<string, Omit<PartitionLag, 'stopped' | 'paused'>>()
  #told: ReadonlySet<string> = new Set()

  constructor(document: ProcessorDocument, source: SourceIdentity, discovery: Discovery, watch: DocumentWatch, seams: ProcessorSeams) {
    this.#document = document
    this.#source = source
    this.#discovery = discovery
    this.#watch = watch
    this.#seams = seams
  }

  /** As they were settled last; none before they were. */
  get known(): ReadonlyMap<string, MappedTable> {
    return this.#mapped
  }

  /** Topics that go into no table, as they were settled last. */
  get leftOut(): readonly LeftOutTopics[] {
    return this.#leftOut
  }

  /** The tables that are fed, by name. Throws what listing the source throws at first. */
  async tables(): Promise<ReadonlyMap<string, MappedTable>> {
    const partitions = await this.#discovery.partitions()
    if (this.#from !== partitions) {
      this.#from = partitions
      this.#settling = this.#settling.then(() => this.#settle(partitions))
    }
    await this.#settling
    return this.#mapped
  }

  /** What goes into a table now. Throws a WorkError where nothing does, and as `tables` does. */
  async into(table: string): Promise<MappedTable> {
    await this.tables()
    return this.#intoNow(table)
  }

  /** The topic-partitions that go into a table, as they were listed last. */
  async partitionsOf(table: string): Promise<readonly TopicPartition[]> {
    const topics = new Set((await this.tables()).get(table)?.topics)
    return (await this.#discovery.partitions()).filter(({ topic }) => topics.has(topic))
  }

  #intoNow(table: string): MappedTable {
    const mapped = this.#mapped.get(table)
    if (mapped !== undefined) return mapped
    const leftOut = this.#leftOut.find((one) => one.table.toLowerCase() === table.toLowerCase())
    throw new WorkError(leftOut?.reason ?? `table ${table}: no topic of the document goes into it now`, { retry: 'never' })
  }

  /** A table was found to have progress of these topics, which says whose it is; as `into` then. */
  async intoOneThatHas(table: string, topics: ReadonlySet<string>): Promise<MappedTable> {
    this.#held.set(table.toLowerCase(), topics)
    const mapped = this.#mapped.get(table)
    if (mapped !== undefined && [...topics].every((topic) => mapped.topics.includes(topic))) return mapped
    this.#settling = this.#settling.then(() => this.#settle(this.#from ?? []))
    await this.#settling
    return this.#intoNow(table)
  }

  /** Lists what is left out, so that it is known how much waits there. What can not be listed now is shown as it was. */
  async lookAtLeftOut(): Promise<void> {
    const before = this.#lags
    const left = this.#partitionsLeftOut()
    if (left.length === 0) return
    this.#lags = new Map()
    await forEachAtOnce(left, listingsAtOnce, async ({ at }) => {
      const name = topicPartitionName(at)
      const lag = (await this.#lagOf(at)) ?? before.get(name)
      if (lag !== undefined) this.#lags.set(name, lag)
    })
    this.#show()
  }

  async #lagOf(at: TopicPartition): Promise<Omit<PartitionLag, 'stopped' | 'paused'> | undefined> {
    try {
      const listing = await listSegments(this.#seams.source, this.#source.prefix, at, null, { maxBytes: Infinity, maxObjects })
      return lagOf(at, { segments: segmentsIn(listing), unreadableFrom: null, complete: listing.complete }, [])
    } catch (error) {
      if (!(error instanceof WorkError)) throw error
      return undefined
    }
  }

  /**
   * A table stays with the topics of which it has progress, which all processes see, and before it has any with those that this process
   * feeds it. What is there no more still claims its table.
   */
  async #settle(partitions: readonly TopicPartition[]): Promise<void> {
    const there = new Set(partitions.map(({ topic }) => topic))
    const before = [...this.#held.values(), ...[...this.#mapped.values()].map(({ topics }) => topics)].flatMap((topics) => [...topics])
    const claims = claimsOf(this.#document, [...there, ...before]).map((rivals) => rivals.map((claim) => onlyThose(claim, there)))
    const holders = new Set<MappedTable>()
    for (const rivals of claims) {
      if (rivals.length === 1) continue
      for (const claim of await this.#holders(rivals)) holders.add(claim)
    }
    const { tables, leftOut } = settleClaims(claims, (claim) => holders.has(claim))
    this.#mapped = tables
    this.#tell(leftOut)
  }

  async #holders(rivals: readonly MappedTable[]): Promise<readonly MappedTable[]> {
    const held = this.#held.get(rivals[0].mapping.table.toLowerCase())
    const have = rivals.filter(({ topics }) => topics.some((topic) => held?.has(topic)))
    if (have.length === 1) return have
    const fed = rivals.filter(({ topics, mapping }) => topics.some((topic) => this.#mapped.get(mapping.table)?.topics.includes(topic)))
    return fed.length > 0 ? fed : this.#ofProgress(rivals)
  }

  /** The claims of whose topics the table has progress. Where that can not be known, it is looked for again with the next listing. */
  async #ofProgress(rivals: readonly MappedTable[]): Promise<readonly MappedTable[]> {
    try {
      return await claimsHeld(this.#document, rivals, this.#source, this.#seams)
    } catch (error) {
      if (!(error instanceof WorkError)) throw error
      this.#seams.journal.warn('which topics a table has can not be told now', { table: rivals[0].mapping.table, error })
      return []
    }
  }

  #tell(leftOut: readonly LeftOutTopics[]): void {
    const { journal, meter } = this.#seams
    const told = new Set(this.#leftOut.map(({ reason }) => reason))
    this.#leftOut = leftOut.filter(({ topics }) => this.#from?.some(({ topic }) => topics.includes(topic)))
    for (const { table, topics, reason } of this.#leftOut) {
      if (!told.has(reason)) journal.error('topics left out', { table, topics, reason })
    }
    const left = this.#partitionsLeftOut()
    for (const { table, at } of left) if (!this.#told.has(topicPartitionName(at))) meter.add('partitions.stopped', 1, { table })
    this.#told = new Set(left.map(({ at }) => topicPartitionName(at)))
    this.#show()
  }

  #show(): void {
    this.#watch.leftOut(this.#partitionsLeftOut().map((one) => ({ ...one, lag: this.#lags.get(topicPartitionName(one.at)) })))
  }

  #partitionsLeftOut() {
    return this.#leftOut.flatMap(({ table, topics, reason }) =>
      (this.#from ?? []).filter(({ topic }) => topics.includes(topic)).map((at) => ({ table, at, reason })),
    )
  }
}

/** A claim by the topics that are there, of which it may have none. */
function onlyThose({ topics, mapping }: MappedTable, there: ReadonlySet<string>): MappedTable {
  const own = topics.filter((topic) => there.has(topic))
  return { topics: own.length > 0 ? own : topics, mapping }
}
