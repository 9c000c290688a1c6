import type { VirtualClock } from '../../src/drivers/clock/virtual.ts'
import type { SeededRandom } from '../../src/drivers/entropy/seeded.ts'
import { type Progress, progressBeyond } from '../../src/model/progress.ts'
import type { TopicPartition } from '../../src/model/topic-partition.ts'
import type { FileIO } from '../../src/seams/file-io.ts'
import { tablesFor, type TopicMapping } from '../../src/spec/table-mapping.ts'
import type { EventLog } from './event-log.ts'
import type { FaultCounts } from './faults.ts'
import { ForeignWriter } from './foreign-writer.ts'
import type { SourceModel } from './model.ts'
import { besideOf } from './rebuilder.ts'
import type { SharedCatalog } from './process-catalog.ts'
import type { Settings } from './settings.ts'
import { TableChecker } from './table-checker.ts'
import { TableReader } from './table-reader.ts'

/** A table, who checks it, and who else writes to it. */
export interface SimulatedTable {
  readonly checker: TableChecker
  readonly foreign: ForeignWriter
  readonly topics: ReadonlySet<string>
  /** How often a processor has said that it can not go on without a person. */
  stops: number
  /** When each process said so last, ms. */
  readonly stoppedMs: Map<string, number>
  /** Who committed each data file that a processor wrote, and the snapshot that brought it. */
  readonly committed: Map<string, { readonly by: string; readonly snapshotId: bigint }>
}

interface TableSurroundings {
  readonly clock: VirtualClock
  readonly catalog: SharedCatalog
  readonly io: FileIO
  readonly reader: TableReader
  readonly log: EventLog
  readonly faults: FaultCounts
}

/** One for each table that the documents name; two documents may share one. */
export function makeTables(
  { sources, rollbacks, rebuilds, snapshotExpiryMs, startAt }: Settings,
  midnightMs: number | null,
  model: SourceModel,
  random: SeededRandom,
  around: TableSurroundings,
): Map<string, SimulatedTable> {
  const shares = new Map<string, { mapping: TopicMapping; logs: { sourceId: string; at: TopicPartition }[] }>()
  for (const { document, sourceId, logs } of sources) {
    for (const [name, { topics, mapping }] of tablesFor(document, new Set(logs.map(({ at }) => at.topic)))) {
      const share = shares.get(name) ?? { mapping, logs: [] }
      for (const { at } of logs) if (topics.includes(at.topic)) share.logs.push({ sourceId, at })
      shares.set(name, share)
    }
  }
  return new Map(
    [...shares].map(([name, { mapping, logs }]) => [
      name,
      {
        checker: new TableChecker(name, logs, model, new TableReader(around.io), { startAt, midnightMs, now: () => around.clock.now() }),
        topics: new Set(logs.map(({ at }) => at.topic)),
        foreign: new ForeignWriter({ namespace: ['lake'], name }, random.fork(), {
          ...around,
          rollbacks,
          isExpired: sources.some(({ fleet }) => fleet.includes('keeper')),
          isMild: rebuilds,
          snapshotExpiryMs,
          mapping,
        }),
        stops: 0,
        stoppedMs: new Map(),
        committed: new Map(),
      },
    ]),
  )
}

/** Who checks the tables beside, by name: one for each topic. */
export function makeTablesBeside(
  { sources, startAt }: Settings,
  model: SourceModel,
  { clock, io }: TableSurroundings,
): ReadonlyMap<string, TableChecker> {
  const logs = sources.flatMap((source) => source.logs.map(({ at }) => ({ sourceId: source.sourceId, at })))
  const byTable = [...Map.groupBy(logs, ({ at }) => besideOf(at.topic))]
  return new Map(
    byTable.map(([name, own]) => [
      name,
      new TableChecker(name, own, model, new TableReader(io), { startAt, midnightMs: null, now: () => clock.now() }),
    ]),
  )
}

/** Whether main was taken back over offsets that had been decided and that `progress` does not have. */
export function hasLost({ checker, foreign }: SimulatedTable, progress: Progress): boolean {
  return foreign.rolledBack !== null && progressBeyond(checker.at(foreign.rolledBack.from).progress, progress).length > 0
}

/** Whether it was taken back and nobody has said that this is meant. */
export function isTakenBack(table: SimulatedTable): boolean {
  return hasLost(table, table.checker.current().progress)
}
