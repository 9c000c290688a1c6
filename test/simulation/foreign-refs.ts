import type { SeededRandom } from '../../src/drivers/entropy/seeded.ts'
import { type Snapshot, snapshotById, type TableMetadata } from '../../src/formats/iceberg/table-metadata.ts'
import type { TableUpdate } from '../../src/formats/iceberg/table-update.ts'
import { ancestorsOf } from '../../src/pipeline/commit/table-state.ts'
import type { Clock } from '../../src/seams/clock.ts'
import type { FaultCounts, FaultKind } from './faults.ts'

interface Reach {
  load(): Promise<TableMetadata | null>
  send(kind: FaultKind, metadata: TableMetadata, updates: readonly TableUpdate[]): Promise<boolean>
}

/** A tag or branch as another writer left it. */
export interface ForeignRef {
  readonly snapshotId: bigint
  /** Since when there is one of this name, whatever it named, ms. */
  readonly knownMs: number
}

/** Tags that another writer sets, moves and drops, and the branch that it appends to. Nobody else may touch them. */
export class ForeignRefs {
  readonly #random: SeededRandom
  readonly #around: { readonly clock: Clock; readonly faults: FaultCounts }
  readonly #reach: Reach
  readonly #refs = new Map<string, ForeignRef>()

  constructor(random: SeededRandom, around: { readonly clock: Clock; readonly faults: FaultCounts }, reach: Reach) {
    this.#random = random
    this.#around = around
    this.#reach = reach
  }

  /** By name. */
  get all(): ReadonlyMap<string, ForeignRef> {
    return this.#refs
  }

  /** `before`: what it named until now. */
  set(name: string, snapshotId: bigint, before?: ForeignRef): void {
    this.#refs.set(name, { snapshotId, knownMs: before?.knownMs ?? this.#around.clock.now() })
  }

  delete(name: string): void {
    this.#refs.delete(name)
  }

  /** Moves tags of its own to and fro until the time has come. */
  async moveTags(untilMs: number): Promise<void> {
    const { clock } = this.#around
    while (clock.now() < untilMs) {
      await clock.sleep(5000 + this.#random.below(40_000))
      await this.change(['daily', 'weekly'], 0)
    }
  }

  /** Sets a tag on a snapshot of main, or moves it there, or drops it; or drops the branch. */
  async change(names: readonly string[] = ['yesterday', 'audit', 'staging'], drops = 0.4): Promise<void> {
    const random = this.#random
    const metadata = await this.#reach.load()
    if (metadata === null) return
    const name = random.pick(names)
    if (name === 'staging' || (this.#refs.has(name) && random.chance(drops))) {
      if (metadata.refs?.[name] === undefined) return
      // From now on it need not be there.
      const before = this.#refs.get(name)
      this.delete(name)
      if (await this.#reach.send('foreign-ref-dropped', metadata, [{ action: 'remove-snapshot-ref', 'ref-name': name }]))
        this.#around.faults.add('foreign-ref-dropped')
      else if (before !== undefined) this.#refs.set(name, before)
      return
    }
    const { ancestors } = ancestorsOf(metadata)
    if (ancestors.length === 0) return
    const id = random.pick(ancestors)['snapshot-id']
    const before = this.#refs.get(name)
    this.delete(name)
    const updates = [{ action: 'set-snapshot-ref', 'ref-name': name, type: 'tag', 'snapshot-id': id }] as const
    if (await this.#reach.send('foreign-tag', metadata, updates)) {
      this.#around.faults.add('foreign-tag')
      this.set(name, id, before)
    } else if (before !== undefined) this.#refs.set(name, before)
  }
}

/** Ids of all snapshots that a reference reaches, but for those that main has behind its newest. */
export function namedByRefs(metadata: TableMetadata): ReadonlySet<bigint> {
  const named = new Set<bigint>()
  for (const [name, ref] of Object.entries(metadata.refs ?? {})) {
    let snapshot: Snapshot | undefined = snapshotById(metadata, ref['snapshot-id'])
    while (snapshot !== undefined && !named.has(snapshot['snapshot-id'])) {
      named.add(snapshot['snapshot-id'])
      if (ref.type === 'tag' || name === 'main') break
      snapshot = snapshotById(metadata, snapshot['parent-snapshot-id'] ?? -1n)
    }
  }
  return named
}
