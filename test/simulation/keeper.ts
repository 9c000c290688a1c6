import type { SeededRandom } from '../../src/drivers/entropy/seeded.ts'
import { DocumentError, WorkError } from '../../src/model/failure.ts'
import type { ProcessorSeams } from '../../src/service/feed/processor-seams.ts'
import { expireTable } from '../../src/service/maintain/table-expirer.ts'
import { tablesFor } from '../../src/spec/table-mapping.ts'
import type { FaultCounts } from './faults.ts'
import type { SourceSettings } from './settings.ts'

/** Expires snapshots of the tables of a document, with short memory, again and again until `stop` aborts. */
export async function expireNowAndThen(
  { document, prefix, logs }: SourceSettings,
  seams: ProcessorSeams,
  random: SeededRandom,
  faults: FaultCounts,
  stop: AbortSignal,
): Promise<void> {
  const tables = [...tablesFor(document, new Set(logs.map(({ at }) => at.topic))).keys()]
  const namespace = document.spec.sink.database.split('.')
  const slow = dawdling(seams, random)
  while (!stop.aborted) {
    await seams.clock.sleep(5000 + random.below(60_000), stop)
    const settings = { maxAgeMs: random.below(200_000), minSnapshots: 1 + random.below(3), maxSnapshots: 4 + random.below(20) }
    try {
      const { snapshots } = await expireTable({ namespace, name: random.pick(tables) }, () => settings, slow, {
        dryRun: false,
        sourcePrefix: prefix,
        signal: stop,
      })
      if (snapshots.length > 0) faults.add('snapshots-expired')
    } catch (error) {
      if (stop.aborted) return
      if (!(error instanceof WorkError) && !(error instanceof DocumentError)) throw error
      seams.journal.warn('an expiry failed', { error })
    }
  }
}

/** What changes something is done some time after it was decided. */
export function dawdling(seams: ProcessorSeams, random: SeededRandom): ProcessorSeams {
  const dawdle = async (): Promise<void> => {
    if (random.chance(0.4)) await seams.clock.sleep(random.below(60_000))
  }
  return {
    ...seams,
    catalog: { ...seams.catalog, commitTable: (table, request) => dawdle().then(() => seams.catalog.commitTable(table, request)) },
    io: { ...seams.io, remove: (uri) => dawdle().then(() => seams.io.remove(uri)) },
  }
}
