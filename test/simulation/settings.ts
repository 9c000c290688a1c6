import type { SeededRandom } from '../../src/drivers/entropy/seeded.ts'
import type { TopicPartition } from '../../src/model/topic-partition.ts'
import type { ProcessorDocument } from '../../src/spec/document.ts'
import type { StartAt } from '../../src/spec/document.ts'
import { loadDocuments } from '../../src/spec/load.ts'

/** What a process does for its document. */
export type Role = 'run' | 'planner' | 'worker' | 'committer' | 'compactor' | 'keeper' | 'historian' | 'rebuilder' | 'retirer'

/** Those who work beside what feeds tables, while there is something to be beside. */
export const upkeepRoles: readonly Role[] = ['compactor', 'keeper', 'historian', 'rebuilder', 'retirer']

/** A bucket's prefix, what is written there, and the document that materializes it. */
export interface SourceSettings {
  readonly document: ProcessorDocument
  readonly sourceId: string
  readonly prefix: string
  readonly logs: readonly { readonly at: TopicPartition; readonly firstOffset: bigint; readonly isMild?: boolean }[]
  /** The processes that serve it, by role. */
  readonly fleet: readonly Role[]
}

/** What differs from world to world, drawn from the seed. */
export interface Settings {
  /** One, or two that share a table. */
  readonly sources: readonly SourceSettings[]
  /** Whether the processes of a source share one queue. */
  readonly sharesQueue: boolean
  readonly graceMs: number
  /** How long segments are written before the first process starts, ms: a start has history then. */
  readonly headStartMs: number
  /** How long segments are written and faults happen, ms. */
  readonly durationMs: number
  /** How long processors go on after that with nothing to read, while others write to the tables, ms. */
  readonly quietMs: number
  /** The age at which somebody expires every snapshot that is not current, ms; null: nobody does. */
  readonly snapshotExpiryMs: number | null
  /** Keys that a page of a listing of the source holds. */
  readonly pageSize: number
  /** Mean pause between two segments of one topic-partition, ms. */
  readonly flushEveryMs: number
  readonly propertiesInCommit: boolean
  /** Whether tables are made anew, on a branch that takes main's place, or beside; then other writers delete no rows and take nothing back. */
  readonly rebuilds: boolean
  /** Whether a foreign writer takes snapshots back, which stops the tables. */
  readonly rollbacks: boolean
  /** Whether somebody moves tags all the time. */
  readonly movesTags: boolean
  /** Whether all processes stand still for a day, while others remove what no snapshot names. */
  readonly hibernates: boolean
  /** Whether what can not be read is left out. */
  readonly skips: boolean
  readonly startAt: StartAt
  /** Whether topics are paused and resumed. */
  readonly pauses: boolean
  /** Whether the logs of the first source that are not mild begin again at offset 0. */
  readonly restarts: boolean
  /** Whether there are segments that no worker can turn into rows for a while. */
  readonly poison: boolean
  /**
   * Whether others act when it matters most: bytes change between listing and reading, segments land late before a gap is proven, rows are deleted
   * while their files are rewritten, a backfill is overtaken by another, and a log begins again while somebody has read its history.
   */
  readonly provokes: boolean
  /** How long after its beginning it is midnight, ms, and rows from before are old; null: rows stay. */
  readonly midnightAfterMs: number | null
}

/** Times of a world in which snapshots come of age: clocks that are an hour off must not matter. */
const expiryMs = 4 * 3_600_000
const quietMs = 5 * 3_600_000

export function drawSettings(random: SeededRandom, startMs: number): Settings {
  const world = drawWorld(random, startMs)
  const isDrawn = random.below(world.restarts ? 2 : 5) === 0
  // What is skipped at a start is met by the usual events alone, and rarely: what others do would hide it.
  const provokes = isDrawn && !(world.skips && world.startAt !== 'earliest')
  // So that there is history to be read.
  const hasHistory = provokes && world.startAt !== 'earliest'
  const headStartMs = world.headStartMs + (hasHistory ? 120_000 : 0)
  const settings = { ...world, provokes, headStartMs, durationMs: world.durationMs + (provokes && world.restarts ? 300_000 : 0) }
  // What was deleted comes back where a table is made anew.
  if (world.rebuilds || !random.chance(0.4)) return { ...settings, midnightAfterMs: null }
  const sources = world.sources.map((source) => ({ ...source, fleet: [...source.fleet, 'retirer' as const] }))
  return { ...settings, sources, midnightAfterMs: headStartMs + 60_000 + random.below(240_000) }
}

function drawWorld(random: SeededRandom, startMs: number): Omit<Settings, 'provokes' | 'midnightAfterMs'> {
  const topics = ['events', 'clicks', '__proto__'].slice(0, 1 + random.below(3))
  const drawn = topics.flatMap((topic) => logsOf(random, topic, 1 + random.below(3)))
  const graceSeconds = random.pick([3, 10, 10])
  const prefix = random.pick(['', 'prod/'])
  // A long id makes progress too long for the summary, so that it goes to the manifest list.
  const sourceId = `s3://source/${random.chance(0.25) ? 'long/'.repeat(450) : ''}${prefix}`
  const isQuiet = random.chance(0.08)
  const restarts = !isQuiet && random.chance(0.15)
  // Of what goes on while other logs begin again, the newest segment is neither written again nor mended: it would look restarted too.
  const logs = restarts ? drawn.map((log, i) => ({ ...log, isMild: i > 0 && random.chance(0.5) })) : drawn
  const draft = drawDraft(random, graceSeconds, isQuiet, startMs)
  const sources: Omit<SourceSettings, 'fleet'>[] = [
    { document: documentOf(draft, 'simulated', random.chance(0.5) ? ['*'] : topics), sourceId, prefix, logs },
  ]
  if (draft.together && random.chance(0.5)) {
    const document = documentOf(draft, 'other', ['orders'])
    sources.push({ document, sourceId: 's3://other/', prefix: 'other/', logs: logsOf(random, 'orders', 1) })
  }
  // What lies below a start is read by those who ask for it.
  const hasHistory = sources[0].document.spec.source.startAt !== 'earliest'
  const sharesQueue = random.chance(0.4)
  const processes = Math.max(sources.length, random.pick(sharesQueue ? [2, 3, 4] : [1, 2, 2, 3]))
  const fleets = sources.map((_, i) => drawFleet(random, sharesQueue, Math.ceil((processes - i) / sources.length)))
  const served = sources.map((source, i) => ({ ...source, fleet: [...fleets[i], ...drawUpkeep(random, hasHistory)] }))
  const settings: ReturnType<typeof drawWorld> = {
    sources: served,
    rebuilds: false,
    sharesQueue,
    graceMs: graceSeconds * 1000,
    headStartMs: random.chance(hasHistory ? 0.9 : 0.3) ? random.below(300_000) : 0,
    durationMs: (6 + random.below(8)) * 60_000,
    quietMs: isQuiet ? quietMs : 0,
    snapshotExpiryMs: isQuiet ? expiryMs : null,
    pageSize: random.pick([3, 20, 1000]),
    flushEveryMs: random.pick([8_000, 15_000, 30_000]),
    // Where the table has lost how far its tail had come, it can not be seen that a log was restarted.
    propertiesInCommit: !restarts && random.chance(isQuiet ? 0.3 : 0.7),
    rollbacks: !restarts && random.chance(0.25),
    // Beside those who expire what no tag names.
    movesTags: served.some(({ fleet }) => fleet.includes('keeper')) && random.chance(0.5),
    hibernates: !isQuiet && !restarts && !sharesQueue && random.chance(0.15),
    skips: draft.onError === 'skip',
    startAt: sources[0].document.spec.source.startAt,
    pauses: random.chance(0.3),
    restarts,
    poison: random.chance(0.4),
  }
  if (restarts || settings.hibernates || !random.chance(0.3)) return settings
  const rebuilders = Array.from({ length: 1 + random.below(2) }, () => 'rebuilder' as const)
  const rebuilt = settings.sources.map((source) => ({ ...source, fleet: [...source.fleet, ...rebuilders] }))
  return { ...settings, sources: rebuilt, rebuilds: true, rollbacks: false }
}

/** All processes do everything, or they divide the work. */
function drawFleet(random: SeededRandom, sharesQueue: boolean, processes: number): Role[] {
  if (!sharesQueue || random.chance(0.4)) return Array.from({ length: processes }, () => 'run')
  const more = Array.from({ length: processes }, () => random.pick(['planner', 'worker', 'committer', 'run'] as const))
  return ['planner', 'worker', 'committer', ...more]
}

/** Who works on the files of tables beside those who feed them. */
function drawUpkeep(random: SeededRandom, hasHistory: boolean): Role[] {
  const historians = Array.from({ length: random.pick(hasHistory ? [1, 1, 2] : [0, 0, 1]) }, () => 'historian' as const)
  return [...(random.chance(0.5) ? (['compactor'] as const) : []), ...(random.chance(0.4) ? (['keeper'] as const) : []), ...historians]
}

function logsOf(random: SeededRandom, topic: string, partitions: number): SourceSettings['logs'] {
  return Array.from({ length: partitions }, (_, partition) => ({
    at: { topic, partition },
    firstOffset: random.pick([0n, 0n, 0n, 7n, 9_007_199_254_740_993n]),
  }))
}

/** What the documents of a world have in common. */
interface Draft {
  /** Whether all topics share one table. */
  readonly together: boolean
  readonly spec: Readonly<Record<string, unknown>>
  readonly targetFileSizeBytes: number | null
  readonly onError: 'stop' | 'skip'
}

function drawDraft(random: SeededRandom, graceSeconds: number, isQuiet: boolean, startMs: number): Draft {
  const together = random.chance(0.4)
  const properties: Record<string, string> = {}
  if (random.chance(0.5)) properties['commit.manifest.min-count-to-merge'] = String(2 + random.below(4))
  if (random.chance(0.3)) {
    properties['history.expire.max-snapshot-age-ms'] = String(20_000 + random.below(200_000))
    properties['history.expire.min-snapshots-to-keep'] = String(1 + random.below(5))
  }
  const onError = random.pick(['stop', 'stop', 'stop', 'skip'] as const)
  const somewhen = new Date(startMs + random.below(400_000)).toISOString()
  const startAt = random.pick(['earliest', 'earliest', 'latest', 'latest', somewhen])
  const value = { format: random.pick(['auto', 'json', 'binary', 'string']) }
  return {
    together,
    onError,
    spec: {
      source: { s3: { bucket: 'source' }, graceSeconds, startAt },
      sink: { database: 'lake', tables: { properties } },
      processing: { parallelism: 1 + random.below(4), commitIntervalSeconds: isQuiet ? 60 : random.pick([2, 5, 15, 60]) },
      mappings: [
        { topic: '__proto__', table: together ? 'everything' : 'proto', value, onError },
        { topic: '*', ...(together && { table: 'everything' }), value, onError },
      ],
    },
    // Smaller than a document may ask for, so that a round has many tasks and results come back out of order.
    targetFileSizeBytes: random.pick([600, 2_000, null]),
  }
}

function documentOf({ spec: common, targetFileSizeBytes }: Draft, name: string, topics: readonly string[]): ProcessorDocument {
  const spec = { ...common, source: { ...(common.source as object), topics } }
  const text = JSON.stringify({ apiVersion: 'kafscale.io/v1', kind: 'IcebergProcessor', metadata: { name }, spec })
  const [document] = loadDocuments(text, 'simulation.json', {})
  const { processing } = document.spec
  const processed = { ...processing, targetFileSizeBytes: targetFileSizeBytes ?? processing.targetFileSizeBytes }
  return { ...document, spec: { ...document.spec, processing: processed } }
}
