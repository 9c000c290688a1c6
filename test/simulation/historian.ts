import type { SeededRandom } from '../../src/drivers/entropy/seeded.ts'
import { isEnded } from '../../src/model/backfill.ts'
import { DocumentError, WorkError } from '../../src/model/failure.ts'
import { defaultPrices } from '../../src/pipeline/backfill/bill.ts'
import { Backfiller } from '../../src/service/backfill/backfiller.ts'
import type { ProcessorSeams } from '../../src/service/feed/processor-seams.ts'
import type { Bound } from '../../src/model/bound.ts'
import type { BackfillWish } from '../../src/service/backfill/resolve-backfill.ts'
import { ObjectChanged, ObjectNotFound } from '../../src/seams/object-store.ts'
import type { FaultCounts } from './faults.ts'
import type { SourceSettings } from './settings.ts'

/** What a historian has at hand. */
export interface Archive {
  readonly source: SourceSettings
  readonly seams: ProcessorSeams
  readonly random: SeededRandom
  readonly faults: FaultCounts
}

/**
 * Backfills ranges that nobody had a reason to choose, one after another, until `stop` aborts; and takes up what it finds begun. `provokes`: now
 * and then another is quicker with a part of it.
 */
export async function backfillNowAndThen(archive: Archive, provokes: boolean, stop: AbortSignal): Promise<void> {
  const { source, seams, random } = archive
  const topics = [...new Set(source.logs.map(({ at }) => at.topic))]
  while (!stop.aborted) {
    await seams.clock.sleep(5000 + random.below(60_000), stop)
    if (stop.aborted) return
    try {
      await backfill(random.pick(topics), archive, provokes && random.chance(0.8), stop)
    } catch (error) {
      if (stop.aborted) return
      // A segment that goes while times are looked for ends the command.
      const isKnown = [WorkError, DocumentError, ObjectNotFound, ObjectChanged].some((kind) => error instanceof kind)
      if (!isKnown) throw error
      seams.journal.warn('a backfill failed', { error: error as Error })
    }
  }
}

async function backfill(topic: string, archive: Archive, isOvertaken: boolean, stop: AbortSignal): Promise<void> {
  const { source, random, faults } = archive
  const { document, sourceId, prefix, logs } = source
  const seams = isOvertaken ? overtaken(archive.seams, () => bringSome(topic, archive, stop)) : archive.seams
  const bounds = { workers: 1 + random.below(3), ...(random.chance(0.3) && { requestsPerSecond: 1 + random.below(4) }) }
  const backfiller = await Backfiller.open(document, topic, { kind: 'live' }, bounds, { id: sourceId, prefix }, seams)
  if (backfiller === null) return
  const open = backfiller.backfills.filter((one) => one.topic === topic && !isEnded(one))
  if (open.length > 0 && random.chance(0.3)) {
    const to = random.pick(['paused', 'active', 'cancelled'] as const)
    await backfiller.change(random.pick(open).id, to)
    faults.add(`backfill-${to}`)
    return
  }
  const begun = open.filter(({ by, state }) => by === 'command' && state === 'active')
  let one = begun.length > 0 && random.chance(0.7) ? random.pick(begun) : null
  if (one !== null) faults.add('backfill-taken-up')
  else {
    const by = random.chance(0.3) ? 'service' : 'command'
    const wish = isOvertaken ? muchOf(topic, logs, random) : wishFor(topic, logs, seams.clock.now(), random)
    one = (await backfiller.bill(wish, by, defaultPrices)).backfill
    if (one.ranges.size === 0) return
    await backfiller.ask(one)
    faults.add(by === 'service' ? 'backfill-detached' : 'backfill-asked')
    if (by === 'service') return
  }
  const { outcome, report } = await backfiller.carryOut(one, stop, () => undefined)
  if (report.rows > 0n) faults.add('history-read')
  if (outcome === 'done') faults.add('backfill-done')
}

/** When rows are about to be committed for the first time, another commits before. */
function overtaken(seams: ProcessorSeams, overtake: () => Promise<void>): ProcessorSeams {
  let isDue = true
  const commitTable: ProcessorSeams['catalog']['commitTable'] = async (table, request) => {
    const hasRows = request.updates.some(
      (update) => update.action === 'add-snapshot' && update.snapshot.summary['added-records'] !== undefined,
    )
    if (hasRows && isDue) {
      isDue = false
      await overtake()
    }
    return seams.catalog.commitTable(table, request)
  }
  return { ...seams, catalog: { ...seams.catalog, commitTable } }
}

/** Backfills a few offsets of one log. */
async function bringSome(topic: string, { source, seams, random }: Archive, stop: AbortSignal): Promise<void> {
  const { document, sourceId, prefix, logs } = source
  const { at, firstOffset } = random.pick(logs.filter((log) => log.at.topic === topic))
  const from = firstOffset + BigInt(random.below(30))
  const wish = { topic, partitions: [at.partition], from: { offset: from }, to: { offset: from + 1n + BigInt(random.below(8)) } }
  const backfiller = await Backfiller.open(document, topic, { kind: 'live' }, { workers: 1 }, { id: sourceId, prefix }, seams)
  if (backfiller === null) return
  const { backfill: one } = await backfiller.bill({ ...wish, missing: false, newestFirst: false }, 'command', defaultPrices)
  if (one.ranges.size === 0) return
  await backfiller.ask(one)
  await backfiller.carryOut(one, stop, () => undefined)
}

/** All of a topic's history, or the oldest of it. */
function muchOf(topic: string, logs: SourceSettings['logs'], random: SeededRandom): BackfillWish {
  const { firstOffset } = random.pick(logs.filter(({ at }) => at.topic === topic))
  const to = random.chance(0.5) ? null : { offset: firstOffset + 5n + BigInt(random.below(40)) }
  return { topic, partitions: null, from: null, to, missing: false, newestFirst: false }
}

function wishFor(topic: string, logs: SourceSettings['logs'], nowMs: number, random: SeededRandom): BackfillWish {
  const own = logs.filter(({ at }) => at.topic === topic)
  const { at, firstOffset } = random.pick(own)
  const bound = (least: number): Bound =>
    random.pick([null, { offset: firstOffset + BigInt(least + random.below(60)) }, { timeMs: Math.floor(nowMs) - random.below(600_000) }])
  return {
    topic,
    partitions: random.chance(0.4) ? [at.partition] : null,
    from: bound(0),
    to: bound(20),
    missing: random.chance(0.3),
    newestFirst: random.chance(0.3),
  }
}
