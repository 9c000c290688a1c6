import { type SeededRandom, seededRandom } from '../../src/drivers/entropy/seeded.ts'
import { inProcessQueue } from '../../src/drivers/queue/in-process.ts'
import { DocumentError, WorkError } from '../../src/model/failure.ts'
import { defaultPrices } from '../../src/pipeline/backfill/bill.ts'
import { noFiles } from '../../src/pipeline/commit/file-change.ts'
import { Backfiller, type Where } from '../../src/service/backfill/backfiller.ts'
import { onBranch } from '../../src/service/backfill/branch-catalog.ts'
import { type Rebuild, takeMainsPlace } from '../../src/service/backfill/rebuild.ts'
import { CommitLoop } from '../../src/service/feed/commit-loop.ts'
import type { ProcessorSeams } from '../../src/service/feed/processor-seams.ts'
import type { Catalog, CommitRequest } from '../../src/seams/catalog.ts'
import type { Journal, JournalFields } from '../../src/seams/journal.ts'
import { ObjectChanged, ObjectNotFound } from '../../src/seams/object-store.ts'
import { tablesFor } from '../../src/spec/table-mapping.ts'
import type { Archive } from './historian.ts'

/** The table beside a topic's own that everything is brought into, too. */
export function besideOf(topic: string): string {
  return `${topic.replaceAll('_', '')}_beside`
}

/** Makes tables anew, on branches that take main's place, or beside, until `stop` aborts; goes on with what it finds begun. */
export async function rebuildNowAndThen(archive: Archive, stop: AbortSignal): Promise<void> {
  const { source, random } = archive
  const seams = aside(archive.seams)
  const topics = [...new Set(source.logs.map(({ at }) => at.topic))]
  while (!stop.aborted) {
    await seams.clock.sleep(5000 + random.below(60_000), stop)
    if (stop.aborted) return
    try {
      await rebuild(random.pick(topics), { ...archive, seams }, stop)
    } catch (error) {
      if (stop.aborted) return
      if (!isKnown(error)) throw error
      if (String((error as Error).message).includes('Nothing was replaced')) archive.faults.add('rebuild-refused')
      seams.journal.warn('failed', { error: error as Error })
    }
  }
}

function isKnown(error: unknown): boolean {
  return [WorkError, DocumentError, ObjectNotFound, ObjectChanged].some((kind) => error instanceof kind)
}

/** As `backfill --rebuild` and `backfill --all --into` do it. */
async function rebuild(topic: string, archive: Archive, stop: AbortSignal): Promise<void> {
  const { source, seams, random, faults } = archive
  const { document, sourceId, prefix } = source
  const identity = { id: sourceId, prefix }
  const where = placeFor(topic, archive)
  const backfiller = await Backfiller.open(document, topic, where, { workers: 1 + random.below(3) }, identity, seams)
  if (backfiller === null) return
  const wish = { topic, partitions: null, from: null, to: null, missing: false, newestFirst: random.chance(0.3) }
  const { bill, backfill } = await backfiller.bill(wish, 'command', defaultPrices)
  if (bill.work.segments > 0) {
    const isBegun = backfiller.backfills.some(({ id }) => id === backfill.id)
    await backfiller.ask(backfill)
    faults.add(isBegun ? 'rebuild-taken-up' : 'rebuild-begun')
    const { outcome } = await backfiller.carryOut(backfill, stop, () => undefined)
    if (outcome !== 'done') return
    if (where.kind === 'table') faults.add('rebuilt-beside')
  }
  if (backfiller.rebuild === null) return
  // Whoever takes main's place does so alone, also where tasks are shared.
  const { rebuild: made } = backfiller
  const alone: ProcessorSeams = { ...seams, queue: inProcessQueue() }
  const another = (until: AbortSignal) => takeMainsPlace(made, document, identity, withoutTakingPlace(alone, until), until)
  const slow = dawdling(
    metBy(() => carryOn(made, source, alone), alone),
    random,
    another,
  )
  if (await takeMainsPlace(made, document, identity, slow, stop)) faults.add('rebuilt')
}

/** Commits on the branch what it says already, as who follows a tail there does from time to time. */
async function carryOn({ identifier, branch }: Rebuild, { document, sourceId }: Archive['source'], seams: ProcessorSeams): Promise<void> {
  const onIt = { ...seams, catalog: onBranch(seams.catalog, { name: branch, begins: 'empty' }) }
  const loop = new CommitLoop(sourceId, identifier, document.metadata.name, {}, onIt)
  await loop.commit<null>([], (state) => (state.snapshotId === null ? null : { what: null, change: noFiles, state }))
}

/**
 * Now and then somebody commits on the branch just before it takes main's place. When, follows from the commit's key: nothing else that is drawn
 * becomes another for it.
 */
function metBy(another: () => Promise<void>, seams: ProcessorSeams): ProcessorSeams {
  const commitTable: Catalog['commitTable'] = async (table, request) => {
    if (takesPlace(request) && seededRandom(Number.parseInt(request.idempotencyKey.slice(-8), 16)).chance(0.3)) {
      await another().catch((error: unknown) => {
        if (!isKnown(error)) throw error
      })
    }
    return seams.catalog.commitTable(table, request)
  }
  return { ...seams, catalog: { ...seams.catalog, commitTable } }
}

/** Whether a commit puts a branch in main's place. */
function takesPlace({ updates }: CommitRequest): boolean {
  return updates.some(({ action }) => action === 'remove-snapshot-ref')
}

/** What was made takes main's place some time after it was found to have everything; `another` may follow main's tail on the branch meanwhile. */
function dawdling(seams: ProcessorSeams, random: SeededRandom, another: (until: AbortSignal) => Promise<unknown>): ProcessorSeams {
  const commitTable: Catalog['commitTable'] = async (table, request) => {
    if (takesPlace(request) && random.chance(0.5)) {
      const until = new AbortController()
      const following = (random.chance(0.5) ? another(until.signal) : Promise.resolve()).catch((error: unknown) => {
        if (!isKnown(error)) throw error
      })
      await Promise.all([seams.clock.sleep(random.below(30_000)).then(() => until.abort()), following])
    }
    return seams.catalog.commitTable(table, request)
  }
  return { ...seams, catalog: { ...seams.catalog, commitTable } }
}

/** Follows the tail, and meets a conflict where it would take main's place: so it goes on as soon as main has more. */
function withoutTakingPlace(seams: ProcessorSeams, until: AbortSignal): ProcessorSeams {
  const commitTable: Catalog['commitTable'] = async (table, request) => {
    if (!takesPlace(request)) return seams.catalog.commitTable(table, request)
    await seams.clock.sleep(2000, until)
    if (until.aborted) throw new WorkError('another takes the place', { retry: 'later' })
    return { kind: 'conflict', reason: 'another takes the place' }
  }
  return { ...seams, catalog: { ...seams.catalog, commitTable } }
}

function placeFor(topic: string, { source: { document, logs }, random }: { source: Archive['source']; random: SeededRandom }): Where {
  const tables = [...tablesFor(document, new Set(logs.map(({ at }) => at.topic))).values()]
  const isShared = tables.some(({ topics }) => topics.includes(topic) && topics.length > 1)
  return isShared || random.chance(0.25) ? { kind: 'table', name: besideOf(topic) } : { kind: 'rebuild' }
}

/** What it says is about a branch or a table beside: no table that is fed stops of it. */
function aside(seams: ProcessorSeams): ProcessorSeams {
  const say = (message: string, fields?: JournalFields) => seams.journal.debug(`rebuild: ${message}`, fields)
  const journal: Journal = { debug: say, info: say, warn: say, error: say }
  return { ...seams, journal }
}
