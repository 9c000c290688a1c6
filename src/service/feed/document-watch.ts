import type { DocumentHealth, Trouble } from '../../model/health.ts'
import type { Clock } from '../../seams/clock.ts'
import type { TaskQueue } from '../../seams/task-queue.ts'
import type { ProcessorDocument } from '../../spec/document.ts'
import { TableWatch } from './table-watch.ts'

type QueueSeen = Pick<TaskQueue<never, never>, 'depth' | 'trouble'>

/** Watches what a process does for one document. */
export class DocumentWatch {
  readonly #document: ProcessorDocument
  readonly #source: string
  readonly #clock: Clock
  readonly #queue: QueueSeen
  readonly #tables = new Map<string, TableWatch>()
  #discovered = false
  #failing: Trouble | null = null

  constructor(document: ProcessorDocument, source: string, clock: Clock, queue: QueueSeen) {
    this.#document = document
    this.#source = source
    this.#clock = clock
    this.#queue = queue
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

  /** The topics can not be listed. */
  undiscovered(reason: string): void {
    this.#failing = { sinceMs: this.#failing?.sinceMs ?? this.#clock.now(), reason }
  }

  health(): DocumentHealth {
    const { spec, metadata } = this.#document
    return {
      processor: processorName(metadata),
      commitIntervalMs: spec.processing.commitIntervalSeconds * 1000,
      graceMs: spec.source.graceSeconds * 1000,
      discovered: this.#discovered,
      failing: this.#failing,
      queueDepth: this.#queue.depth,
      queueAway: this.#queue.trouble ?? null,
      tables: [...this.#tables.values()].map((watch) => watch.health()),
    }
  }
}

/** How metrics name a document: by its name, with its namespace where that is not the default one. */
export function processorName({ name, namespace }: ProcessorDocument['metadata']): string {
  return namespace === 'default' ? name : `${namespace}/${name}`
}
