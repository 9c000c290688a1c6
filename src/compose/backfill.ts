import { openDocument, silentJournal } from '../compose.ts'
import { systemClock } from '../drivers/clock/system.ts'
import { countingMeter } from '../drivers/meter/counting.ts'
import { type Backfill, isEnded } from '../model/backfill.ts'
import { DocumentError } from '../model/failure.ts'
import type { Prices } from '../pipeline/backfill/bill.ts'
import type { BackfillBill, BackfillBounds, Backfiller, Where } from '../service/backfill/backfiller.ts'
import type { HistoryOutcome, HistoryReport } from '../service/backfill/history-report.ts'
import type { BackfillWish } from '../service/backfill/resolve-backfill.ts'
import type { Meter } from '../seams/meter.ts'
import type { ProcessorDocument } from '../spec/document.ts'
import { openFleet } from './fleet.ts'

export interface BackfillAsked extends BackfillBounds {
  readonly wish: BackfillWish
  readonly where: Where
  readonly prices: Prices
  /** The service carries it out, not this process. */
  readonly detach: boolean
  /** Told the bill before anything is done; false: nothing is. */
  readonly agrees: (bill: BackfillBill) => boolean
  readonly progress: (report: HistoryReport) => void
  /** Stops in good order; what was wanted stays asked. */
  readonly signal: AbortSignal
}

/** Requests to the source, and of writes to the warehouse. */
export interface RequestsMade {
  readonly gets: number
  readonly bytes: number
  readonly lists: number
  readonly puts: number
}

/** What came of asking for a backfill. */
export interface BackfillDone {
  readonly bill: BackfillBill
  /** Null: nothing was done, or not by this process. */
  readonly outcome: HistoryOutcome | null
  readonly report: HistoryReport | null
  /** Of this process since the bill, which is about the same. */
  readonly requests: RequestsMade
  /** Of a rebuild, beside these: by which the branch followed what main took up after the bill, and took its place. Null: it came to no such thing. */
  readonly following: RequestsMade | null
  readonly seconds: number
}

/** Backfills a topic of the documents. Throws a DocumentError where none of them has it. */
export async function backfillTopic(documents: readonly ProcessorDocument[], asked: BackfillAsked): Promise<BackfillDone> {
  return withBackfiller(documents, asked.wish.topic, asked.where, asked, async (backfiller, meter, takePlace) => {
    const { bill, backfill } = await backfiller.bill(asked.wish, asked.detach ? 'service' : 'command', asked.prices)
    const before = meter.totals()
    const startedMs = systemClock.now()
    const seconds = () => (systemClock.now() - startedMs) / 1000
    const since = (outcome: HistoryOutcome | null, report: HistoryReport | null): BackfillDone => {
      return { bill, outcome, report, requests: requestsSince(before, meter.totals()), following: null, seconds: seconds() }
    }
    if (!asked.agrees(bill)) return since(null, null)
    const rebuilt = async (report: HistoryReport | null) => {
      const done = since('left', report)
      const filled = meter.totals()
      const outcome: HistoryOutcome = (await takePlace(asked.signal)) ? 'done' : 'left'
      const following = requestsSince(filled, meter.totals())
      // The commit by which it takes main's place is in the bill.
      const requests = { ...done.requests, puts: done.requests.puts + following.puts }
      return { ...done, outcome, requests, following, seconds: seconds() }
    }
    // One that was begun is ended, though nothing is left of it: who brought the last of it may have been killed before it said so.
    const isOver = bill.notBegun.length === 0 && backfiller.backfills.some((one) => one.id === backfill.id && !isEnded(one))
    // What is too young to be read is stopped at.
    const isNothing = bill.work.segments === 0 && bill.tooYoung === 0 && !isOver
    if (isNothing) return bill.branch === null ? since(null, null) : rebuilt(null)
    await backfiller.ask(backfill)
    if (asked.detach) return since(null, null)
    const { outcome, report } = await backfiller.carryOut(backfill, asked.signal, asked.progress)
    return outcome === 'done' && bill.branch !== null ? rebuilt(report) : since(outcome, report)
  })
}

function requestsSince(before: ReadonlyMap<string, number>, now: ReadonlyMap<string, number>): RequestsMade {
  const count = (name: string) => (now.get(name) ?? 0) - (before.get(name) ?? 0)
  return {
    gets: count('store.source.get.requests'),
    bytes: count('store.source.get.bytes'),
    lists: count('store.source.list.pages'),
    puts: count('store.warehouse.put.requests'),
  }
}

/** The backfills that the table of a topic remembers, after one of them was changed where `change` says so. */
export async function changeBackfill(
  documents: readonly ProcessorDocument[],
  topic: string,
  where: Where,
  change: { readonly id: string; readonly to: 'paused' | 'active' | 'cancelled' } | null,
): Promise<readonly Backfill[]> {
  return withBackfiller(documents, topic, where, {}, async (backfiller) => {
    if (change !== null) await backfiller.change(change.id, change.to)
    return backfiller.backfills
  })
}

async function withBackfiller<T>(
  documents: readonly ProcessorDocument[],
  topic: string,
  where: Where,
  bounds: BackfillBounds,
  work: (backfiller: Backfiller, meter: Meter, takePlace: (signal: AbortSignal) => Promise<boolean>) => Promise<T>,
): Promise<T> {
  const { takeMainsPlace } = await import('../service/backfill/rebuild.ts')
  const { Backfiller } = await import('../service/backfill/backfiller.ts')
  for (const document of documents) {
    const meter = countingMeter()
    const opened = await openDocument(document, silentJournal, meter)
    const fleet = await openFleet(document, opened.source, silentJournal)
    try {
      const seams = { ...opened.seams, ...(fleet !== null && { queue: fleet.tasks }) }
      const backfiller = await Backfiller.open(document, topic, where, bounds, opened.source, seams)
      if (backfiller === null) continue
      const { rebuild } = backfiller
      return await work(
        backfiller,
        meter,
        async (signal) => rebuild !== null && takeMainsPlace(rebuild, document, opened.source, opened.seams, signal),
      )
    } finally {
      await fleet?.close()
      await opened.close()
    }
  }
  throw new DocumentError(`no topic of the documents is ${topic}, by their source.topics and what the source has`)
}
