import type { SeededRandom } from '../../src/drivers/entropy/seeded.ts'
import type { TopicPartition } from '../../src/model/topic-partition.ts'
import type { ProcessorDocument } from '../../src/spec/document.ts'
import { loadDocuments } from '../../src/spec/load.ts'

/** What differs from world to world, drawn from the seed. */
export interface Settings {
  readonly document: ProcessorDocument
  readonly sourceId: string
  readonly prefix: string
  readonly logs: readonly { readonly at: TopicPartition; readonly firstOffset: bigint }[]
  readonly processors: number
  readonly graceMs: number
  /** How long segments are written and faults happen, ms. */
  readonly durationMs: number
  /** Keys that a page of a listing of the source holds. */
  readonly pageSize: number
  /** Mean pause between two segments of one topic-partition, ms. */
  readonly flushEveryMs: number
  readonly propertiesInCommit: boolean
  /** Whether a foreign writer takes snapshots back, which stops the tables. */
  readonly rollbacks: boolean
}

export function drawSettings(random: SeededRandom): Settings {
  const topics = ['events', 'clicks', '__proto__'].slice(0, 1 + random.below(3))
  const logs = topics.flatMap((topic) =>
    Array.from({ length: 1 + random.below(3) }, (_, partition) => ({
      at: { topic, partition },
      firstOffset: random.pick([0n, 0n, 0n, 7n, 9_007_199_254_740_993n]),
    })),
  )
  const graceSeconds = random.pick([3, 10, 10])
  const prefix = random.pick(['', 'prod/'])
  // A long id makes progress too long for the summary, so that it goes to the manifest list.
  const sourceId = `s3://source/${random.chance(0.25) ? 'long/'.repeat(450) : ''}${prefix}`
  return {
    document: drawDocument(random, topics, graceSeconds),
    sourceId,
    prefix,
    logs,
    processors: random.pick([1, 2, 2, 3]),
    graceMs: graceSeconds * 1000,
    durationMs: (6 + random.below(8)) * 60_000,
    pageSize: random.pick([3, 20, 1000]),
    flushEveryMs: random.pick([8_000, 15_000, 30_000]),
    propertiesInCommit: random.chance(0.7),
    rollbacks: random.chance(0.2),
  }
}

function drawDocument(random: SeededRandom, topics: readonly string[], graceSeconds: number): ProcessorDocument {
  const together = random.chance(0.4)
  const properties: Record<string, string> = {}
  if (random.chance(0.5)) properties['commit.manifest.min-count-to-merge'] = String(2 + random.below(4))
  if (random.chance(0.3)) {
    properties['history.expire.max-snapshot-age-ms'] = String(20_000 + random.below(200_000))
    properties['history.expire.min-snapshots-to-keep'] = String(1 + random.below(5))
  }
  const value = { format: random.pick(['auto', 'json', 'binary', 'string']) }
  const [document] = loadDocuments(
    JSON.stringify({
      apiVersion: 'kafscale.io/v1',
      kind: 'IcebergProcessor',
      metadata: { name: 'simulated' },
      spec: {
        source: { topics: random.chance(0.5) ? ['*'] : topics, s3: { bucket: 'source' }, graceSeconds },
        sink: { database: 'lake', tables: { properties } },
        processing: { parallelism: 1 + random.below(4), commitIntervalSeconds: random.pick([2, 5, 15, 60]) },
        mappings: [
          { topic: '__proto__', table: together ? 'everything' : 'proto', value },
          { topic: '*', ...(together && { table: 'everything' }), value },
        ],
      },
    }),
    'simulation.json',
    {},
  )
  const { spec } = document
  // Smaller than a document may ask for, so that a round has many tasks and results come back out of order.
  const targetFileSizeBytes = random.pick([600, 2_000, spec.processing.targetFileSizeBytes])
  return { ...document, spec: { ...spec, processing: { ...spec.processing, targetFileSizeBytes } } }
}
