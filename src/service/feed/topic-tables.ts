import { WorkError } from '../../model/failure.ts'
import { topicsDecided } from '../../model/incarnation.ts'
import type { SourceIdentity } from '../../model/source-identity.ts'
import type { TopicPartition } from '../../model/topic-partition.ts'
import type { ProcessorDocument } from '../../spec/document.ts'
import { claimsOf, type LeftOutTopics, type MappedTable, settleClaims } from '../../spec/table-mapping.ts'
import { TableCommitter } from './committer.ts'
import type { Discovery } from './discovery.ts'
import type { DocumentWatch } from './document-watch.ts'
import type { ProcessorSeams } from './processor-seams.ts'

/**
 * The tables of the topics there are. Whoever may write into the bucket may make a topic whose name meets another's in one table: that
 * stops neither the table nor the document. The topic whose rows the table has goes on, the others are left out and told as stopped.
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

  /** A table that this process feeds stays with its topics; whose another one is, its progress says, which all processes see. */
  async #settle(partitions: readonly TopicPartition[]): Promise<void> {
    const claims = claimsOf(this.#document, new Set(partitions.map(({ topic }) => topic)))
    const holders = new Set<MappedTable>()
    for (const rivals of claims) {
      if (rivals.length === 1) continue
      const fed = rivals.filter(({ topics, mapping }) => topics.some((topic) => this.#mapped.get(mapping.table)?.topics.includes(topic)))
      for (const claim of fed.length > 0 ? fed : await this.#ofProgress(rivals)) holders.add(claim)
    }
    const { tables, leftOut } = settleClaims(claims, (claim) => holders.has(claim))
    this.#mapped = tables
    this.#tell(leftOut, partitions)
  }

  /** The claims of whose topics the table has progress. Where that can not be known, it is looked for again with the next listing. */
  async #ofProgress(rivals: readonly MappedTable[]): Promise<readonly MappedTable[]> {
    try {
      // Most often they mean one table; in some catalogs, names may differ in case.
      const names = [...new Set(rivals.map(({ mapping }) => mapping.table))]
      const topics = new Map(await Promise.all(names.map(async (name) => [name, await this.#topicsIn(name)] as const)))
      return rivals.filter((claim) => claim.topics.some((topic) => topics.get(claim.mapping.table)!.has(topic)))
    } catch (error) {
      if (!(error instanceof WorkError)) throw error
      this.#seams.journal.warn('which topics a table has can not be told now', { table: rivals[0].mapping.table, error })
      return []
    }
  }

  async #topicsIn(name: string): Promise<ReadonlySet<string>> {
    const { spec, metadata } = this.#document
    const table = { namespace: spec.sink.database.split('.'), name }
    const loaded = await this.#seams.catalog.loadTable(table)
    if (loaded === null) return new Set()
    const { progress } = await new TableCommitter(this.#source.id, table, metadata.name, loaded.metadata, this.#seams).look(loaded.metadata)
    return topicsDecided(progress, this.#source.id)
  }

  #tell(leftOut: readonly LeftOutTopics[], partitions: readonly TopicPartition[]): void {
    const told = new Set(this.#leftOut.map(({ reason }) => reason))
    this.#leftOut = leftOut
    for (const { table, topics, reason } of leftOut) {
      if (!told.has(reason)) this.#seams.journal.error('topics left out', { table, topics, reason })
    }
    this.#watch.leftOut(
      leftOut.flatMap(({ table, topics, reason }) =>
        partitions.filter(({ topic }) => topics.includes(topic)).map((at) => ({ table, at, reason })),
      ),
    )
  }
}
