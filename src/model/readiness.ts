import type { DocumentHealth, TableHealth } from './health.ts'

/** Why a process is not ready, or what is worth a look although it is. */
export interface Reason {
  readonly processor: string
  readonly table?: string
  readonly topic?: string
  readonly partition?: number
  /** ISO time. */
  readonly since?: string
  readonly reason: string
}

export interface Readiness {
  readonly ready: boolean
  /** Empty exactly where it is ready. */
  readonly reasons: readonly Reason[]
  /** What fails now and may pass by itself. */
  readonly notes: readonly Reason[]
}

/** Work that failed so often in a row does not pass by itself. */
const failuresInARow = 3
/** Segments wait at least this long without a commit before something is wrong, ms: a task takes its time. */
const leastWaitMs = 30_000

/** How long segments may wait without a commit, ms. */
export function longestWaitMs({ commitIntervalMs, graceMs }: Pick<DocumentHealth, 'commitIntervalMs' | 'graceMs'>): number {
  return Math.max(3 * commitIntervalMs, leastWaitMs) + graceMs
}

/** Whether everything that these documents ask for goes on, and else why not. Pure. */
export function readinessOf(documents: readonly DocumentHealth[], nowMs: number): Readiness {
  const reasons: Reason[] = []
  const notes: Reason[] = []
  for (const document of documents) {
    const { processor, discovered, failing, queueAway } = document
    const why: Reason | null =
      failing !== null
        ? { processor, since: iso(failing.sinceMs), reason: `topics can not be listed: ${failing.reason}` }
        : discovered
          ? null
          : { processor, reason: 'starting: topics are not listed yet' }
    if (why !== null) reasons.push(why)
    // What is under way goes on without it; where that is not enough, segments wait and nothing is committed, which counts.
    if (queueAway !== null)
      notes.push({ processor, since: iso(queueAway.sinceMs), reason: `the queue can not be reached: ${queueAway.reason}` })
    for (const table of document.tables) {
      const judged = judgeTable(table, document, nowMs)
      reasons.push(...judged.reasons.map((reason) => ({ processor, table: table.table, ...reason })))
      notes.push(...judged.notes.map((reason) => ({ processor, table: table.table, ...reason })))
    }
  }
  return { ready: reasons.length === 0, reasons, notes }
}

type OfTable = Omit<Reason, 'processor' | 'table'>

function judgeTable(table: TableHealth, document: DocumentHealth, nowMs: number): { reasons: OfTable[]; notes: OfTable[] } {
  const { planned, partitions, waitingSinceMs, failing, stopped } = table
  const reasons: OfTable[] = []
  const notes: OfTable[] = []
  if (stopped !== null) reasons.push({ since: iso(stopped.sinceMs), reason: stopped.reason })
  if (failing !== null) {
    const said = { since: iso(failing.sinceMs), reason: `failed ${failing.times} times in a row: ${failing.reason}` }
    if (failing.times >= failuresInARow) reasons.push(said)
    else notes.push({ ...said, reason: failing.reason })
  }
  if (!planned && stopped === null && failing === null) reasons.push({ reason: 'starting: its topic-partitions were not looked at yet' })
  if (waitingSinceMs !== null && nowMs - waitingSinceMs > longestWaitMs(document)) {
    const seconds = Math.round((nowMs - waitingSinceMs) / 1000)
    reasons.push({
      since: iso(waitingSinceMs),
      reason: `segments wait, and nothing was committed for ${seconds} s: ${whatIsWaitedFor(table, document)}`,
    })
  }
  for (const { topic, partition, stopped: stop } of partitions) {
    if (stop !== null) reasons.push({ topic, partition, since: iso(stop.sinceMs), reason: stop.reason })
  }
  return { reasons, notes }
}

/** What stands between segments and their commit, as far as this process knows. */
function whatIsWaitedFor({ tasksInFlight, resultsWaiting }: TableHealth, { queueAway, queueDepth }: DocumentHealth): string {
  if (queueAway !== null) return `the queue can not be reached: ${queueAway.reason}`
  if (resultsWaiting > 0) return `${resultsWaiting} finished tasks wait for their commit`
  if (tasksInFlight > 0 && queueDepth > 0)
    return `of ${tasksInFlight} tasks none is finished, and ${queueDepth} in the queue wait for a worker`
  return tasksInFlight > 0 ? `of ${tasksInFlight} tasks under way none is finished` : 'no task is under way'
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}
