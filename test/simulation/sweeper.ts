import type { SeededRandom } from '../../src/drivers/entropy/seeded.ts'
import { uriFiles } from '../../src/drivers/io/uri-files.ts'
import { WorkError } from '../../src/model/failure.ts'
import type { ListedFiles } from '../../src/seams/file-io.ts'
import type { TableIdentifier } from '../../src/seams/catalog.ts'
import { shortestSafeAgeMs, sweepOrphans } from '../../src/service/maintain/orphan-sweep.ts'
import { InvariantBroken } from './faults.ts'
import { isNamed } from './named-files.ts'
import type { Surroundings } from './process-seams.ts'

/** What our sweep takes for left behind in these worlds: little more than the age up to which results are committed. */
export const sweptAgeMs = 13 * 3_600_000

/** Removes the orphans of a table by our own sweep, whose requests take their time. Files seem older to it than they are, so that a night is enough. */
export async function sweepTable(table: TableIdentifier, random: SeededRandom, around: Surroundings): Promise<void> {
  const { warehouse, clock, catalog, log, faults, excuses } = around
  const files = uriFiles(async () => warehouse)
  const travel = () => clock.sleep(random.below(random.pick([20, 200, 20_000])))
  const io: ListedFiles = {
    ...files,
    read: (uri, range) => travel().then(() => files.read(uri, range)),
    async *list(directory) {
      for await (const { files: found, dateMs } of files.list(directory)) {
        yield { files: found, dateMs: dateMs + shortestSafeAgeMs - sweptAgeMs }
        await travel()
      }
    },
    async remove(uri) {
      await travel()
      const key = uri.replace('s3://warehouse/', '')
      if (await isNamed(key, warehouse, catalog)) throw broken(`the sweep removes ${key}`)
      await warehouse.remove(key)
      log.add('sweeper', `removes ${key}`)
      faults.add('orphans-swept')
      excuses.fileRemoved(key)
    },
  }
  function broken(detail: string): InvariantBroken {
    const error = new InvariantBroken('no file that a snapshot names is removed', detail)
    around.onBug(error)
    return error
  }
  const silent = () => undefined
  const journal = { debug: silent, info: silent, warn: silent, error: silent }
  try {
    await catalog.under('none', (shared) => sweepOrphans(table, { olderThanMs: 0, remove: true }, { catalog: shared, io, journal }))
  } catch (error) {
    // It is not there yet, or files went while they were read.
    if (!(error instanceof WorkError)) throw error
    log.add('sweeper', error.message)
  }
}
