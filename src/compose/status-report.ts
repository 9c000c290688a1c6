import { systemClock } from '../drivers/clock/system.ts'
import type { DocumentHealth } from '../model/health.ts'
import type { SourceIdentity } from '../model/source-identity.ts'
import { countedIn } from '../service/feed/counted.ts'
import { processorName } from '../service/feed/document-watch.ts'
import type { ProcessorSeams } from '../service/feed/processor-seams.ts'
import { type DocumentReport, documentStatus } from '../service/status/status.ts'
import { taskCodec } from '../service/tasks/task-codec.ts'
import { NewerVersion } from '../seams/task-queue.ts'
import type { SetAsideTask } from '../model/set-aside-task.ts'
import { withSetAside } from '../service/status/set-aside.ts'
import type { ProcessorDocument } from '../spec/document.ts'
import { placeInRedis, redisSettings } from './fleet.ts'

/** How long a process on this machine may take to answer, ms. */
const serviceMs = 2_000

/** How far a document's tables have come, and what the queue and the process that serves its metrics tell. Throws as `documentStatus` does. */
export async function documentReport(document: ProcessorDocument, source: SourceIdentity, seams: ProcessorSeams): Promise<DocumentReport> {
  const [looked, queue, service] = await Promise.all([
    documentStatus(document, source, seams),
    queueOf(document, source),
    serviceOf(document),
  ])
  const { status, setAside } = withSetAside(looked, queue?.away === null ? queue.setAside : [])
  const requests = countedIn(seams.meter.totals()).requests
  return { ...status, queue: queue?.away === null ? { ...queue, setAside } : queue, service, requests }
}

async function queueOf(document: ProcessorDocument, source: SourceIdentity): Promise<DocumentReport['queue']> {
  const { spec } = document
  if (spec.queue === undefined) return null
  const { askQueues } = await import('../drivers/queue/redis-ask.ts')
  try {
    const place = placeInRedis(document, source)
    const [tasks, commits] = await askQueues(redisSettings(spec.queue), place, ['tasks', 'commits'], systemClock)
    const setAside = tasks.setAside.map((task) => readSetAside(task, spec.sink.database))
    return { away: null, depth: tasks.waiting, active: tasks.active, commits: commits.waiting, setAside }
  } catch (error) {
    return { away: error instanceof Error ? error.message : String(error) }
  }
}

function readSetAside({ data, reason }: { readonly data: object; readonly reason: string }, database: string): SetAsideTask {
  try {
    const { table, task } = taskCodec.decodePayload(data)
    const parts = task.parts.map(({ at, segments, history }) => ({
      ...at,
      offset: segments[0]?.baseOffset ?? 0n,
      isHistory: history === true,
    }))
    return { table: `${database}.${table}`, parts, reason }
  } catch (error) {
    if (!(error instanceof NewerVersion)) throw error
    return { table: '', parts: [], reason }
  }
}

/** Asks who listens where the document wants metrics served: on this machine, or on the host that it names. */
async function serviceOf({ metadata, spec }: ProcessorDocument): Promise<DocumentReport['service']> {
  const address = spec.metrics?.address
  if (address === undefined) return null
  const colon = address.lastIndexOf(':')
  const named = address.slice(0, colon)
  const host = named === '' || named === '0.0.0.0' ? '127.0.0.1' : named === '[::]' ? '[::1]' : named
  try {
    const answer = await fetch(`http://${host}${address.slice(colon)}/status`, { signal: AbortSignal.timeout(serviceMs) })
    const { documents } = (await answer.json()) as { documents?: readonly Pick<DocumentHealth, 'processor' | 'queueDepth' | 'counted'>[] }
    const own = documents?.find(({ processor }) => processor === processorName(metadata))
    // An older version tells nothing that was counted.
    if (own?.counted === undefined) return { address, away: 'who answers there tells nothing of this document' }
    return { address, away: null, queueDepth: own.queueDepth, counted: own.counted }
  } catch {
    return { address, away: 'nobody answers there' }
  }
}
