import { setTimeout as sleep } from 'node:timers/promises'
import { type SeededRandom, seededRandom } from '../../src/drivers/entropy/seeded.ts'
import { s3Client } from '../integration/servers.ts'
import { backfillCommand, besideOf, killCommand, rebuildCommand, rebuildNowAndThen } from './backfills.ts'
import { type FaultKind, faultKinds, type Proxied, rebuildEvents, type RequestFault } from './faults.ts'
import { Fleet } from './fleet.ts'
import { lookAtTables, lookBeside, program } from './outcome.ts'
import { Producer } from './producer.ts'
import { openStage, prefix, type Stage } from './stage.ts'

export interface ChaosReport {
  /** How often each kind was injected, those that never were among them. */
  readonly faults: ReadonlyMap<FaultKind, number>
  readonly commits: number
  readonly conflicts: number
  readonly rowsChecked: number
  /** Processes that ended by themselves and were started again. */
  readonly endings: readonly string[]
  /** What is wrong in the end; empty: nothing. */
  readonly problems: readonly string[]
}

const topics = ['orders', 'clicks'] as const
const partitions = 2
/** Segments of each topic-partition from before the tables, which only a backfill brings in. */
const historySegments = 60
/** Longer than a claim of a task is believed without a sign of life. */
const standStillMs = 35_000

/** How much longer a run takes on a slow machine, so that every kind happens. */
const moreMs = 240_000

/** Who is at work: the roles where the program shares its work by Redis, else processes that each do everything. */
function rolesOf({ redis }: Stage): readonly string[] {
  return redis === null ? ['run', 'run', 'run'] : ['run', 'planner', 'worker', 'worker', 'committer']
}

/** Lets everything go wrong for `seconds` while segments are written, then lets it go right, and looks. `directory` is a disk of its own. */
export async function chaos(directory: string, seconds: number, seed: number, tell: (line: string) => void): Promise<ChaosReport> {
  const random = seededRandom(seed)
  const stage = await openStage(directory, random.fork())
  const roles = rolesOf(stage)
  const client = s3Client(stage.s3)
  const place = { bucket: stage.bucket, prefix }
  const producers = topics.flatMap((topic) =>
    Array.from({ length: partitions }, (_, partition) => new Producer({ topic, partition }, random.fork(), client, place)),
  )
  await Promise.all(producers.map((producer) => producer.writeAtOnce(historySegments)))
  const fleet = new Fleet(stage.document, roles)
  try {
    const stop = new AbortController()
    const produced = Promise.all(producers.map((producer) => producer.run(stop.signal)))
    const rebuilt = new Map<FaultKind, number>(rebuildEvents.map((event) => [event, 0]))
    const rebuilding = rebuildNowAndThen(stage.document, topics, random.fork(), stop.signal, (event) => {
      rebuilt.set(event, rebuilt.get(event)! + 1)
      tell(event)
    })
    const isEnough = () => [...rebuilt.values()].every((count) => count > 0)
    const injected = await injectAll(stage, fleet, roles, Math.max(seconds, 1) * 1000, isEnough, random.fork(), tell)
    stop.abort()
    await Promise.all([produced, rebuilding])
    const faults = new Map([...injected, ...rebuilt])
    tell('calm')
    await fleet.close(60_000)
    const problems: string[] = []
    for (const args of [
      ['run', '--once', '-f', stage.calmDocument],
      ...topics.map((topic) => ['backfill', '-f', stage.calmDocument, '--topic', topic, '--all', '--yes']),
      ...topics.flatMap((topic) => (['branch', 'beside'] as const).map((where) => rebuildCommand(stage.calmDocument, topic, where))),
      ['verify', '--exact', '-f', stage.calmDocument],
    ]) {
      const { code, output } = await program(...args)
      if (code !== 0) problems.push(`${args[0]} ended with exit code ${code}: ${output.slice(-4000)}`)
    }
    const expected = new Map(producers.flatMap((producer) => [...producer.expected]))
    const outcome = await lookAtTables(stage.calmDocument, topics, expected)
    problems.push(...outcome.problems, ...(await lookBeside(stage.calmDocument, topics.map(besideOf), expected)))
    if (problems.length > 0) tell(fleet.lastLines())
    return { faults, ...outcome, conflicts: fleet.conflicts, endings: fleet.endings, problems }
  } finally {
    await fleet.close(0)
    client.destroy()
    await stage.close()
  }
}

/** Every kind in turn, in an order drawn anew each time around, until the time is up, and longer where a kind has not happened yet. */
async function injectAll(
  stage: Stage,
  fleet: Fleet,
  roles: readonly string[],
  forMs: number,
  isEnough: () => boolean,
  random: SeededRandom,
  tell: (line: string) => void,
): Promise<ReadonlyMap<FaultKind, number>> {
  const kinds = faultKinds([...new Set(roles)], stage.redis !== null)
  const counts = new Map<FaultKind, number>(kinds.map((kind) => [kind, 0]))
  const untilMs = Date.now() + forMs
  const aside: Promise<void>[] = []
  // There is something to disturb first.
  await sleep(3000)
  const missing = () => kinds.filter((kind) => counts.get(kind) === 0)
  for (let left: FaultKind[] = []; ;) {
    const isOver = Date.now() >= untilMs
    if (isOver && ((missing().length === 0 && isEnough()) || Date.now() >= untilMs + moreMs)) break
    if (left.length === 0) left = shuffled(isOver ? missing() : kinds, random)
    const kind = left.pop() ?? random.pick(kinds)
    const happened = await inject(kind, stage, fleet, random, aside)
    tell(`${kind}${happened ? '' : ': nothing was there to be struck'}`)
    if (happened) counts.set(kind, counts.get(kind)! + 1)
    await sleep(200 + random.below(400))
  }
  await Promise.all(aside)
  return counts
}

/** Resolves with whether it happened. What takes long goes on beside the others. */
async function inject(kind: FaultKind, stage: Stage, fleet: Fleet, random: SeededRandom, aside: Promise<void>[]): Promise<boolean> {
  if (kind === 'disk full') {
    await stage.fillDisk(1500 + random.below(1500))
    return true
  }
  if (kind === 'backfill asked') return (await program(...backfillCommand(stage.document, topics, random), '--detach')).code === 0
  if (kind === 'backfill killed')
    return (await killCommand(backfillCommand(stage.document, topics, random), 1000 + random.below(5000))) === 'killed'
  if (kind === 'redis flushed') return stage.redis!.flush()
  if (kind === 'redis restarted') {
    await stage.redis!.stop()
    await stage.redis!.start()
    return true
  }
  if (kind.startsWith('kill ')) {
    fleet.kill(kind.slice('kill '.length), random.pick)
    return true
  }
  if (kind.startsWith('stop and continue ')) {
    aside.push(fleet.standStill(kind.slice('stop and continue '.length), standStillMs, random.pick))
    return true
  }
  const [server, fault] = kind.split(' ') as [Proxied, RequestFault]
  return spoilRequests(stage, server, fault)
}

/** Until a request was struck and a second has gone by; gives up after some. */
async function spoilRequests(stage: Stage, server: Proxied, fault: RequestFault): Promise<boolean> {
  const between = stage.unreliable[server]
  const before = between.struck
  between.fault = fault
  for (let i = 0; i < 80 && (i < 8 || between.struck === before); i++) await sleep(100)
  between.fault = null
  return between.struck > before
}

function shuffled<T>(from: readonly T[], random: SeededRandom): T[] {
  const left = [...from]
  return Array.from(from, () => left.splice(random.below(left.length), 1)[0])
}
