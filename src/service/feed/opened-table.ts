import type { TableMetadata } from '../../formats/iceberg/table-metadata.ts'
import { currentIncarnation } from '../../model/incarnation.ts'
import type { SourceIdentity } from '../../model/source-identity.ts'
import { resolveLayout } from '../../pipeline/commit/resolve-layout.ts'
import type { TableState } from '../../pipeline/commit/table-state.ts'
import type { TableIdentifier } from '../../seams/catalog.ts'
import type { ProcessorDocument } from '../../spec/document.ts'
import type { TopicMapping } from '../../spec/table-mapping.ts'
import { definitionsText } from '../tasks/task-codec.ts'
import { type TaskTarget, taskTarget, treatmentOf } from '../tasks/worker.ts'
import { adoptLayout } from './adopt-layout.ts'
import { TableChanged } from './commit-loop.ts'
import { TableCommitter } from './committer.ts'
import { openTable } from './open-table.ts'
import type { ProcessorSeams } from './processor-seams.ts'
import type { Remembered } from './remembered.ts'
import { refuseReplacedRows, refuseUnknownRows } from './refuse-unknown-rows.ts'
import { heldTopics } from './settled-tables.ts'
import { changesTables, type Directions, followDirections, refuseStrangeSource } from './source-directions.ts'
import type { TopicTables } from './topic-tables.ts'

/** A table that may be filled, and what its tasks are made with. */
export interface OpenedTable {
  /** Without its namespace. */
  readonly name: string
  readonly identifier: TableIdentifier
  readonly mapping: TopicMapping
  readonly metadata: TableMetadata
  readonly state: TableState
  /** The one that has seen `state`. */
  readonly committer: TableCommitter
  readonly newCommitter: () => TableCommitter
  readonly target: TaskTarget
  readonly definitions: string
}

/** Opens the tables of a document, each as often as it is begun with anew. */
export class TableOpener {
  readonly #document: ProcessorDocument
  readonly #source: SourceIdentity
  readonly #directions: Directions
  readonly #topicTables: TopicTables
  readonly #seams: ProcessorSeams
  readonly #remembered: Remembered

  constructor(
    document: ProcessorDocument,
    source: SourceIdentity,
    directions: Directions,
    topicTables: TopicTables,
    seams: ProcessorSeams,
    remembered: Remembered,
  ) {
    this.#document = document
    this.#source = source
    this.#directions = directions
    this.#topicTables = topicTables
    this.#seams = seams
    this.#remembered = remembered
  }

  /** Looks which table it is that another process feeds: that one may see it go, and this one is to take over then. */
  async note(name: string): Promise<void> {
    const { uuids } = this.#remembered
    if (uuids.has(name)) return
    const found = await this.#seams.catalog.loadTable(this.#identifier(name)).catch(() => null)
    if (found !== null && !uuids.has(name)) uuids.set(name, found.metadata['table-uuid'])
  }

  /**
   * The table as it is, or made as its topics want it, once what was directed was done to it and nothing speaks against filling it; null as
   * `openTable`. Throws what stops the table.
   */
  async open(name: string, once: boolean, signal: AbortSignal): Promise<OpenedTable | null> {
    const { source, io, journal } = this.#seams
    const { uuids, directed } = this.#remembered
    const { mapping, topics: topicsBefore } = await this.#topicTables.into(name)
    const identifier = this.#identifier(name)
    const partitions = () => this.#topicTables.partitionsOf(name)
    const wanted = async () => ({ mapping: (await this.#topicTables.into(name)).mapping, partitions: await partitions() })
    const known = uuids.get(name)
    const found = await openTable(identifier, this.#document, this.#source, wanted, this.#seams, { once, known }, signal)
    if (found === null) return null
    uuids.set(name, found.metadata['table-uuid'])
    const { metadata } = await adoptLayout(identifier, mapping, found, this.#seams)
    const newCommitter = () => new TableCommitter(this.#source.id, identifier, this.#document.metadata.name, metadata, this.#seams)
    const isDirected = changesTables(this.#directions) && !directed.has(name)
    const refuse = async (now: TableMetadata) => refuseReplacedRows(newCommitter().name, now, mapping, await partitions(), io)
    if (isDirected) await followDirections(this.#directions, this.#source, identifier, newCommitter(), refuse, this.#seams)
    directed.add(name)
    const committer = newCommitter()
    const state = isDirected ? (await committer.load()).state : await committer.look(metadata)
    const { topics } = await this.#topicTables.intoOneThatHas(name, heldTopics(this.#document, state.progress, this.#source))
    if (!topics.some((topic) => topicsBefore.includes(topic)))
      throw new TableChanged(`table ${committer.name} is of ${topics.join(', ')}`, { retry: 'now' })
    if (!this.#directions.sourceAdded) await refuseStrangeSource(state, this.#source, await partitions(), committer.name, source)
    const layout = resolveLayout(committer.name, metadata, mapping, currentIncarnation(state.progress, this.#source.id))
    await refuseUnknownRows(committer.name, metadata, mapping, await partitions(), io)
    if (layout.missing.length > 0) {
      journal.warn('columns that values were to fill are gone from the table: those values go into the rescue column', {
        table: committer.name,
        columns: layout.missing,
      })
    }
    const treatment = treatmentOf(this.#document, mapping)
    const target = taskTarget(metadata, layout, treatment)
    return {
      name,
      identifier,
      mapping,
      metadata,
      state,
      committer,
      newCommitter,
      target,
      definitions: definitionsText(metadata, treatment),
    }
  }

  #identifier(name: string): TableIdentifier {
    return { namespace: this.#document.spec.sink.database.split('.'), name }
  }
}
