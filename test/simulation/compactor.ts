import type { SeededRandom } from '../../src/drivers/entropy/seeded.ts'
import { DocumentError, WorkError } from '../../src/model/failure.ts'
import type { RewriteResult } from '../../src/pipeline/maintain/rewrite-flow.ts'
import type { ProcessorSeams } from '../../src/service/feed/processor-seams.ts'
import { rewriteGroup } from '../../src/service/tasks/rewriter.ts'
import { TableRewriter } from '../../src/service/maintain/table-rewriter.ts'
import { tablesFor } from '../../src/spec/table-mapping.ts'
import type { FaultCounts } from './faults.ts'
import type { SourceSettings } from './settings.ts'

const hugeBytes = 64 * 1024 * 1024

/** What a compactor has at hand. */
interface Press {
  readonly source: SourceSettings
  readonly seams: ProcessorSeams
  readonly random: SeededRandom
  readonly faults: FaultCounts
  /** As in `Surroundings`. */
  readonly provoke: ((table: string) => Promise<void>) | null
}

/** Rewrites what is worth it in the tables of a document, again and again until `stop` aborts. */
export async function compactNowAndThen(press: Press, stop: AbortSignal): Promise<void> {
  const { seams, random } = press
  const { document, logs } = press.source
  const tables = [...tablesFor(document, new Set(logs.map(({ at }) => at.topic))).keys()]
  while (!stop.aborted) {
    await seams.clock.sleep(5000 + random.below(press.provoke === null ? 60_000 : 15_000), stop)
    try {
      await compact(random.pick(tables), press, stop)
    } catch (error) {
      if (stop.aborted) return
      if (!(error instanceof WorkError) && !(error instanceof DocumentError)) throw error
      seams.journal.warn('a rewrite failed', { error })
    }
  }
}

async function compact(name: string, { source, seams, random, faults, provoke }: Press, signal: AbortSignal): Promise<void> {
  const { document, sourceId } = source
  const table = { namespace: document.spec.sink.database.split('.'), name }
  const loaded = await seams.catalog.loadTable(table)
  if (loaded === null) return
  const rewriter = new TableRewriter(sourceId, table, document.metadata.name, loaded.metadata, seams)
  const targetFileSizeBytes = random.pick(provoke === null ? [3000, 20_000] : [3000, 20_000, 1_000_000])
  const { plan, metadata } = await rewriter.plan(() => ({ targetFileSizeBytes, isQuiet: () => false, maxBytes: Infinity }))
  const startedAtMs = seams.clock.now()
  let made: RewriteResult[] = []
  const replace = async () => {
    if (made.length === 0) return
    if (provoke !== null && random.chance(0.5)) await provoke(name)
    const { committed, refused } = await rewriter.replace(made, startedAtMs)
    made = []
    if (committed.length > 0) faults.add('files-rewritten')
    if (refused.length > 0) faults.add('rewrite-refused')
  }
  for (const { group } of plan.rewrites) {
    if (group.inputs.some(({ deletes }) => deletes.length > 0)) faults.add('deletes-applied')
    const newLocation = () => `${metadata.location}/data/rewritten-${seams.entropy.uuid()}.parquet`
    const bounds = { rowGroupBytes: hugeBytes, targetFileSizeBytes, memoryLimitBytes: hugeBytes }
    made.push(await rewriteGroup(group, metadata, { io: seams.io, sortOrder: null, ...bounds, newLocation, signal }))
    // A large rewrite takes its time, and commits what is done meanwhile.
    if (random.chance(0.3)) await seams.clock.sleep(random.below(90_000), signal)
    if (random.chance(0.3)) await replace()
  }
  await replace()
}
