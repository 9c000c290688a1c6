import type { DocumentHealth, PartitionLag, TableHealth, Trouble } from '../../model/health.ts'
import type { Clock } from '../../seams/clock.ts'
import type { Meter } from '../../seams/meter.ts'
import type { TaskQueue } from '../../seams/task-queue.ts'
import { type TopicPartition, topicPartitionName } from '../../model/topic-partition.ts'
import type { ProcessorDocument } from '../../spec/document.ts'
import { countedIn } from './counted.ts'
import { TableWatch } from './table-watch.ts'

/** What tells how a document does, whatever this process does for it. */
interface TellingSeams {
  readonly queue: Pick<TaskQueue<never, never>, 'depth' | 'trouble'>
  readonly meter: Pick<Meter, 'totals'>
}

/** Watches what a process does for one document. */
export class DocumentWatch {
  readonly #document: ProcessorDocument
  readonly #source: string
  readonly #clock: Clock
  readonly #seams: TellingSeams
  readonly #tables = new Map<string, TableWatch>()
  #leftOut: ReadonlyMap<string, readonly PartitionLag[]> = new Map()
  #discovered = false
  #failing: Trouble | null = null

  constructor(document: ProcessorDocument, source: string, clock: Clock, seams: TellingSeams) {
    this.#document = document
    this.#source = source
    this.#clock = clock
    this.#seams = seams
  }

  /** The watch of a table, from when it is first heard of. */
  table(name: string): TableWatch {
    let watch = this.#tables.get(name)
    if (watch === undefined) this.#tables.set(name, (watch = new TableWatch(name, this.#source, this.#clock)))
    return watch
  }

  /** The topics were listed. */
  discovered(): void {
    this.#discovered = true
    this.#failing = null
  }

  /** These topic-partitions go into no table now, each with the table that it would have gone into, and what waits, where that was listed. */
  leftOut(partitions: readonly LeftOutPartition[]): void {
    const before = new Map([...this.#leftOut.values()].flat().map((lag) => [topicPartitionName(lag), lag.stopped]))
    const leftOut = new Map<string, PartitionLag[]>()
    for (const { table, at, reason, lag = { ...at, ...unknownLag } } of partitions) {
      const sinceMs = before.get(topicPartitionName(at))?.sinceMs ?? this.#clock.now()
      leftOut.set(table, [...(leftOut.get(table) ?? []), { ...lag, paused: false, stopped: { sinceMs, reason } }])
    }
    this.#leftOut = leftOut
  }

  /** The topics can not be listed. */
  undiscovered(reason: string): void {
    this.#failing = { sinceMs: this.#failing?.sinceMs ?? this.#clock.now(), reason }
  }

  health(): DocumentHealth {
    return documentHealth(this.#document, this.#seams, {
      discovered: this.#discovered,
      failing: this.#failing,
      tables: this.#healthOfTables(),
    })
  }

  #healthOfTables(): TableHealth[] {
    const fed = [...this.#tables].map(([name, watch]) => {
      const health = watch.health()
      return { ...health, partitions: [...health.partitions, ...(this.#leftOut.get(name) ?? [])] }
    })
    const unfed = [...this.#leftOut].filter(([name]) => !this.#tables.has(name))
    // Nothing begins there: what is left out is all there is to say of such a table.
    const none = unfed.map(([name, partitions]) => ({
      ...new TableWatch(name, this.#source, this.#clock).health(),
      planned: true,
      partitions,
    }))
    return [...fed, ...none]
  }
}

/** How a document does, by what its queue and its meter tell, and what was `seen` besides. */
export function documentHealth(
  { spec, metadata }: ProcessorDocument,
  { queue, meter }: TellingSeams,
  seen: Pick<DocumentHealth, 'discovered' | 'failing' | 'tables'>,
): DocumentHealth {
  return {
    processor: processorName(metadata),
    commitIntervalMs: spec.processing.commitIntervalSeconds * 1000,
    graceMs: spec.source.graceSeconds * 1000,
    queueDepth: queue.depth,
    queueAway: queue.trouble ?? null,
    counted: countedIn(meter.totals()),
    ...seen,
  }
}

interface LeftOutPartition {
  readonly table: string
  readonly at: TopicPartition
  readonly reason: string
  readonly lag?: Omit<PartitionLag, 'stopped' | 'paused'>
}

/** Of a topic-partition that nobody has listed yet. */
const unknownLag = { offsets: 0n, segments: 0, bytes: 0, oldestMs: null, complete: false }

/** How metrics name a document: by its name, with its namespace where that is not the default one. */
export function processorName({ name, namespace }: ProcessorDocument['metadata']): string {
  return namespace === 'default' ? name : `${namespace}/${name}`
}
