import { isDeepStrictEqual } from 'node:util'
import { type Snapshot, snapshotById, type TableMetadata } from '../../src/formats/iceberg/table-metadata.ts'
import { type Backfill, isEnded } from '../../src/model/backfill.ts'
import { intersectRanges } from '../../src/model/offset-range.ts'
import { type Progress, progressBeyond } from '../../src/model/progress.ts'
import { frontierOf } from '../../src/model/segment.ts'
import { ancestorsOf, isOurs } from '../../src/pipeline/commit/table-state.ts'
import { summaryKeys } from '../../src/pipeline/commit/summary-keys.ts'
import type { WarehouseStore } from '../../src/seams/object-store.ts'
import type { EventLog } from './event-log.ts'
import { type FaultCounts, InvariantBroken } from './faults.ts'
import type { SharedCatalog } from './process-catalog.ts'
import { exists } from './process-store.ts'
import { hasLost, isTakenBack, type SimulatedTable } from './simulated-table.ts'
import type { TableChecker } from './table-checker.ts'
import type { TableReader } from './table-reader.ts'

interface WitnessSurroundings {
  readonly catalog: SharedCatalog
  readonly warehouse: WarehouseStore
  readonly reader: TableReader
  readonly log: EventLog
  readonly faults: FaultCounts
}

/** Looks at every table after each step: at what was committed, by whom, and at what went. */
export class Witness {
  /** Snapshots of ours that became current. */
  commits = 0
  readonly #tables: ReadonlyMap<string, SimulatedTable>
  readonly #around: WitnessSurroundings
  readonly #beside: ReadonlyMap<string, TableChecker>
  #looked: Promise<void> = Promise.resolve()

  /** `beside`: those that check tables which nobody feeds. */
  constructor(tables: ReadonlyMap<string, SimulatedTable>, beside: ReadonlyMap<string, TableChecker>, around: WitnessSurroundings) {
    this.#beside = beside
    this.#tables = tables
    this.#around = around
  }

  /** One look after another: who looks wants to have seen. */
  look(): Promise<void> {
    return (this.#looked = this.#looked.then(() => this.#lookNow()))
  }

  async #lookNow(): Promise<void> {
    for (const [name, checker] of this.#beside) {
      const loaded = await this.#around.catalog.under('none', (catalog) => catalog.loadTable({ namespace: ['lake'], name }))
      if (loaded !== null) await checker.look(loaded.metadata, false)
    }
    for (const [name, table] of this.#tables) {
      const loaded = await this.#around.catalog.under('none', (catalog) => catalog.loadTable({ namespace: ['lake'], name }))
      if (loaded === null) continue
      this.#checkRefs(name, table, loaded.metadata)
      this.#checkNewest(name, table, loaded.metadata)
      for (const snapshot of await table.checker.look(loaded.metadata, table.foreign.everRolledBack)) {
        const id = snapshot['snapshot-id']
        this.#around.log.add('world', `${name} has snapshot ${id}`)
        if (snapshot.summary[summaryKeys.commitId] === undefined) continue
        this.commits++
        const parent = table.checker.at(table.checker.beforeOf(snapshot))
        if (table.checker.isRebuilt(snapshot)) table.committed.clear()
        const { by, builtOnMs } = this.#around.catalog.sent.get(id)!
        this.#checkRestored(table, name, by, builtOnMs, parent)
        this.#checkRequests(table, name, snapshot, by)
        this.#checkFrontiers(table, name, snapshot)
        this.#countHistory(table.checker.at(id).requests.backfills, snapshot, by)
        if (by.startsWith('committer')) this.#around.faults.add('commit-by-another')
        for (const path of table.checker.filesOf(id)) if (!table.committed.has(path)) table.committed.set(path, { by, snapshotId: id })
        if (hasLost(table, parent.progress) && builtOnMs > table.foreign.rolledBack!.atMs) {
          throw new InvariantBroken('a table taken back is left alone', `table ${name}: snapshot ${id} was built at ${builtOnMs}`)
        }
      }
    }
  }

  /** What others named stays, with what they named; and what a person may want back of a table that was taken back. */
  #checkRefs(name: string, table: SimulatedTable, metadata: TableMetadata): void {
    const { foreign } = table
    for (const [ref, { snapshotId, knownMs }] of foreign.refs.all) {
      const found = metadata.refs?.[ref]?.['snapshot-id']
      if (found === snapshotId && snapshotById(metadata, snapshotId) !== undefined) continue
      // Nothing can be asserted of a reference that one does not know of: a catalog drops it with its snapshot.
      if (knownMs >= (this.#around.catalog.removed.get(snapshotId)?.knewMs ?? Infinity)) foreign.refs.delete(ref)
      else
        throw new InvariantBroken(
          'a snapshot that a tag or branch names stays',
          `table ${name}: ${ref} named ${snapshotId}, and is ${found}`,
        )
    }
    const { rolledBack } = foreign
    if (rolledBack === null || !isTakenBack(table) || snapshotById(metadata, rolledBack.from) !== undefined) return
    throw new InvariantBroken('a table taken back keeps what was taken', `table ${name}: snapshot ${rolledBack.from}`)
  }

  /** What is said to be brought into tables that nobody feeds is there. */
  checkBeside(): void {
    for (const checker of this.#beside.values()) checker.checkBackfilled()
  }

  /** What tells of progress is not expired by us; others may do so. */
  #checkNewest(name: string, { checker, foreign }: SimulatedTable, metadata: TableMetadata): void {
    if (checker.metadata === null || checker.metadata === metadata || foreign.everRolledBack) return
    const newest = ancestorsOf(checker.metadata).ancestors.find(isOurs)?.['snapshot-id']
    if (newest === undefined || snapshotById(metadata, newest) !== undefined) return
    const by = this.#around.catalog.removed.get(newest)?.by
    if (by !== undefined) throw new InvariantBroken('our newest snapshot stays', `table ${name}: ${by} has expired ${newest}`)
  }

  /** The tail goes on from where it stands, whatever history is read; where others have expired what tells of it, from the beginning. */
  #checkFrontiers({ checker, foreign }: SimulatedTable, name: string, snapshot: Snapshot): void {
    if (foreign.frontierLost) return
    const [before, after] = [snapshot['parent-snapshot-id'] ?? 0n, snapshot['snapshot-id']].map((id) => checker.at(id).frontiers)
    for (const [source, topics] of before) {
      for (const [topic, partitions] of topics) {
        for (const [partition, { baseOffset }] of partitions) {
          const stands = frontierOf(after, source, { topic, partition })?.baseOffset ?? -1n
          if (stands >= baseOffset) continue
          throw new InvariantBroken(
            'where the tail stands moves no further back',
            `table ${name}: ${topic}/${partition} stood at ${baseOffset}, and in snapshot ${snapshot['snapshot-id']} at ${stands}`,
          )
        }
      }
    }
  }

  /** Every snapshot that is left can be read, whatever refers to it. */
  async checkReadable(): Promise<void> {
    for (const [name, { checker }] of this.#tables) {
      for (const snapshot of checker.metadata?.snapshots ?? []) {
        for (const file of await this.#around.reader.namedBy(snapshot)) {
          if (await exists(this.#around.warehouse, file.replace('s3://warehouse/', ''))) continue
          throw new InvariantBroken('no file that a snapshot names is missing', `table ${name}: ${file} of ${snapshot['snapshot-id']}`)
        }
      }
    }
  }

  /** Who had committed what a restored table has lost says so before it goes on. */
  #checkRestored(
    { checker, foreign, stoppedMs }: SimulatedTable,
    name: string,
    by: string,
    builtOnMs: number,
    parent: { progress: Progress },
  ): void {
    const { restored } = foreign
    if (restored === null || builtOnMs <= restored.atMs || !by.startsWith('run')) return
    const knew = restored.lost.some((id) => {
      const sent = this.#around.catalog.sent.get(id)
      return sent?.by === by && sent.told && progressBeyond(checker.at(id).progress, parent.progress).length > 0
    })
    if (knew && (stoppedMs.get(by) ?? 0) < restored.atMs)
      throw new InvariantBroken('a process that knows of more than the table has says so', `table ${name}: ${by}`)
  }

  /** What a person asked stays asked until a person asks otherwise. */
  #checkRequests({ checker, foreign }: SimulatedTable, name: string, snapshot: Snapshot, by: string): void {
    const [before, after] = [checker.beforeOf(snapshot), snapshot['snapshot-id']].map((id) => checker.at(id).requests)
    if (after.abandonedUpTo !== before.abandonedUpTo && after.abandonedUpTo !== null && by.startsWith('directed')) {
      foreign.rolledBack = null
      foreign.isAccepted = true
    } else if (
      snapshot['parent-snapshot-id'] !== undefined &&
      ((!by.startsWith('operator') && !isDeepStrictEqual({ ...before, backfills: [] }, { ...after, backfills: [] })) ||
        before.backfills.some((one) => !isEnded(one) && !after.backfills.some(({ id }) => id === one.id)))
    ) {
      throw new InvariantBroken('what is asked stays asked', `table ${name}: snapshot ${snapshot['snapshot-id']} of ${by}`)
    }
  }

  #countHistory(backfills: readonly Backfill[], { summary }: Snapshot, by: string): void {
    const active = backfills.filter(({ state }) => state === 'active')
    if (active.length > 0 && !by.startsWith('historian') && summary['added-records'] !== undefined)
      this.#around.faults.add('history-beside-tail')
    const isShared = active.some((one, i) =>
      active.some(
        (other, j) =>
          i < j &&
          one.topic === other.topic &&
          [...one.ranges].some(([partition, ranges]) => intersectRanges(ranges, other.ranges.get(partition) ?? []).length > 0),
      ),
    )
    if (isShared) this.#around.faults.add('backfills-overlap')
  }
}
