import type { SeededRandom } from '../../src/drivers/entropy/seeded.ts'
import { DocumentError, WorkError } from '../../src/model/failure.ts'
import type { ProcessorSeams } from '../../src/service/feed/processor-seams.ts'
import { retireRows } from '../../src/service/maintain/row-retention.ts'
import { limitsOf } from '../../src/service/tasks/limits.ts'
import { tablesFor } from '../../src/spec/table-mapping.ts'
import type { FaultCounts } from './faults.ts'
import { dawdling } from './keeper.ts'
import type { SourceSettings } from './settings.ts'

/** Deletes what is not of today from the tables of a document, again and again until `stop` aborts. */
export async function retireNowAndThen(
  { document, sourceId, prefix, logs }: SourceSettings,
  seams: ProcessorSeams,
  random: SeededRandom,
  faults: FaultCounts,
  stop: AbortSignal,
): Promise<void> {
  const tables = [...tablesFor(document, new Set(logs.map(({ at }) => at.topic)))]
  const namespace = document.spec.sink.database.split('.')
  const slow = dawdling(seams, random)
  while (!stop.aborted) {
    await seams.clock.sleep(5000 + random.below(20_000), stop)
    const [name, { mapping }] = random.pick(tables)
    const context = {
      document,
      source: { id: sourceId, prefix },
      limits: limitsOf(document.spec.processing),
      kafkaColumns: mapping.kafkaColumns,
    }
    try {
      const { files, rewritten } = await retireRows({ namespace, name }, { by: 'kafka_timestamp', days: 0 }, context, slow, stop)
      if (files > 0) faults.add('old-files-deleted')
      if (rewritten > 0) faults.add('old-rows-deleted')
    } catch (error) {
      if (stop.aborted) return
      if (!(error instanceof WorkError) && !(error instanceof DocumentError)) throw error
      seams.journal.warn('rows could not be deleted for their age', { error })
    }
  }
}
