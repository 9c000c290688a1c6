import { topicPartitionName } from '../../model/topic-partition.ts'
import type { TaskResult } from '../../pipeline/flow.ts'
import type { Planned } from './lineage.ts'

/** A task that was handed out, and what it came to. */
export interface Finished {
  readonly planned: Planned
  readonly result: TaskResult
}

/** Tasks that were handed out, of which results are taken in the order of each topic-partition's segments, whatever comes back first. */
export class OrderedResults {
  readonly #open = new Map<string, { planned: Planned; result: TaskResult | null }>()

  add(planned: Planned): void {
    this.#open.set(planned.task.id, { planned, result: null })
  }

  finish(planned: Planned, result: TaskResult): void {
    this.#open.set(planned.task.id, { planned, result })
  }

  remove(id: string): void {
    this.#open.delete(id)
  }

  has(id: string): boolean {
    return this.#open.has(id)
  }

  get size(): number {
    return this.#open.size
  }

  /** Ids of those that did not come back yet. */
  get running(): readonly string[] {
    return [...this.#open].flatMap(([id, { result }]) => (result === null ? [id] : []))
  }

  /** Bytes of the tasks that came back. */
  get finishedBytes(): number {
    return [...this.#open.values()].reduce((sum, { planned, result }) => (result === null ? sum : sum + planned.task.bytes), 0)
  }

  /** Those that no unfinished one of the same topic-partition stands before, in their order. */
  ready(): Finished[] {
    const waited = new Set<string>()
    const ready: Finished[] = []
    for (const { planned, result } of [...this.#open.values()].sort((a, b) => a.planned.order - b.planned.order)) {
      const names = planned.task.parts.map(({ at }) => topicPartitionName(at))
      if (result === null || names.some((name) => waited.has(name))) for (const name of names) waited.add(name)
      else ready.push({ planned, result })
    }
    return ready
  }
}
