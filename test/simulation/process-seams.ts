import { carryOut } from '../../src/service/tasks/worker.ts'
import type { VirtualClock } from '../../src/drivers/clock/virtual.ts'
import { type SeededRandom, seededEntropy } from '../../src/drivers/entropy/seeded.ts'
import { uriFiles } from '../../src/drivers/io/uri-files.ts'
import { countingMeter } from '../../src/drivers/meter/counting.ts'
import { inProcessQueue } from '../../src/drivers/queue/in-process.ts'
import type { TaskResult } from '../../src/pipeline/flow.ts'
import type { ProcessorSeams } from '../../src/service/feed/processor-seams.ts'
import type { Journal, JournalFields } from '../../src/seams/journal.ts'
import type { WarehouseStore } from '../../src/seams/object-store.ts'
import type { EventLog } from './event-log.ts'
import type { Excuses } from './excuses.ts'
import type { FaultCounts } from './faults.ts'
import type { Life, Weather } from './life.ts'
import type { Listings } from './listings.ts'
import { processCatalog, type SharedCatalog } from './process-catalog.ts'
import { processStore } from './process-store.ts'
import type { Poison } from './poison.ts'

/** What all simulated processes share, and how they reach it. */
export interface Surroundings {
  readonly clock: VirtualClock
  readonly source: WarehouseStore
  readonly warehouse: WarehouseStore
  readonly catalog: SharedCatalog
  readonly log: EventLog
  readonly faults: FaultCounts
  readonly weather: Weather
  readonly poison: Poison
  readonly excuses: Excuses
  readonly listings: Listings
  /** Has another writer delete a row of a table just now; null in worlds where nobody waits for the worst moment. */
  readonly provoke: ((table: string) => Promise<void>) | null
  /** Is told of an error that no processor may end with. */
  readonly onBug: (error: unknown) => void
  /** Is told each line that a process writes to its journal. */
  readonly onJournal: (process: string, level: keyof Journal, message: string, fields: JournalFields) => void
  /** Is told what a process with a queue of its own made of a task. */
  readonly onResult: (process: string, result: TaskResult) => void
}

/** The seams of one process, with its own queue or a shared one: everything it asks for goes over a network that delays, loses and refuses. */
export function processSeams(
  life: Life,
  random: SeededRandom,
  around: Surroundings,
  queue: ProcessorSeams['queue'] | null,
): ProcessorSeams {
  const clock = life.clock()
  const line =
    (level: keyof Journal) =>
    (message: string, fields: JournalFields = {}): void => {
      if (!life.alive) return
      around.log.add(life.name, `${level}: ${message} ${describe(fields)}`)
      around.onJournal(life.name, level, message, fields)
    }
  return {
    source: processStore('source', around.source, life, random.fork(), around),
    io: uriFiles(async () => processStore('warehouse', around.warehouse, life, random.fork(), around)),
    catalog: processCatalog(life, random.fork(), around),
    queue: queue ?? inProcessQueue(),
    async carryOut(task, target, limits, seams) {
      await around.poison.meet(task, life, queue === null)
      const result = await carryOut(task, target, limits, seams)
      if (queue === null) around.onResult(life.name, result)
      return result
    },
    clock,
    entropy: seededEntropy(random.fork(), clock),
    journal: { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') },
    meter: countingMeter(),
  }
}

function describe(fields: JournalFields): string {
  return Object.entries(fields)
    .map(([key, value]) => `${key}=${value instanceof Error ? value.message : String(value)}`)
    .join(' ')
}
