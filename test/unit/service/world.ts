import { carryOut } from '../../../src/service/tasks/worker.ts'
import { type CatalogFault, type CatalogOperation, memoryCatalog } from '../../../src/drivers/catalog/memory.ts'
import { virtualClock, type VirtualClock } from '../../../src/drivers/clock/virtual.ts'
import { seededEntropy, seededRandom } from '../../../src/drivers/entropy/seeded.ts'
import { uriFiles } from '../../../src/drivers/io/uri-files.ts'
import { memoryJournal, type JournalLine } from '../../../src/drivers/journal/memory.ts'
import { countingMeter } from '../../../src/drivers/meter/counting.ts'
import { inProcessQueue } from '../../../src/drivers/queue/in-process.ts'
import { memoryStore, type MemoryStore, type StoreFault } from '../../../src/drivers/store/memory.ts'
import { readManifest } from '../../../src/formats/iceberg/manifest.ts'
import { readManifestList } from '../../../src/formats/iceberg/manifest-list.ts'
import { currentSnapshot, type TableMetadata } from '../../../src/formats/iceberg/table-metadata.ts'
import { segmentKey } from '../../../src/formats/kfs/segment-key.ts'
import { readRows } from '../../../src/formats/parquet/read-rows.ts'
import type { TopicPartition } from '../../../src/model/topic-partition.ts'
import type { TaskResult } from '../../../src/pipeline/flow.ts'
import { Processor } from '../../../src/service/feed/processor.ts'
import type { ProcessorSeams } from '../../../src/service/feed/processor-seams.ts'
import { type Directions, noDirections } from '../../../src/service/feed/source-directions.ts'
import type { TablePayload } from '../../../src/service/tasks/task-payload.ts'
import type { Catalog, CatalogProfile } from '../../../src/seams/catalog.ts'
import type { ListedFiles } from '../../../src/seams/file-io.ts'
import { load, type Plain, smallest } from '../spec/documents.ts'
import { framed } from './segments.ts'

export const sourceId = 's3://segments/p/'
export const namespace = ['analytics']

/** What a run is told, and by which name it knows the source. */
export type Directed = Partial<Directions> & { readonly id?: string }

/** A bucket, a warehouse, a catalog and a clock in memory, and processors that run in them. */
export interface World {
  readonly clock: VirtualClock
  readonly source: MemoryStore
  readonly warehouse: MemoryStore
  readonly io: ListedFiles
  readonly catalog: Catalog
  readonly journal: { readonly lines: readonly JournalLine[] }
  /** What is done to requests; tests may change it at any time. */
  readonly faults: {
    store: (operation: 'list' | 'get' | 'put', key: string) => StoreFault
    catalog: (operation: CatalogOperation) => CatalogFault | Promise<CatalogFault>
  }
  readonly seams: Omit<ProcessorSeams, 'queue' | 'carryOut'>
  write(at: TopicPartition, baseOffset: bigint, batches: readonly Uint8Array[], parts?: readonly ('kfs' | 'index')[]): Promise<string>
  /** A processor of its own, as another process would have it. */
  processor(change?: (document: Plain) => void, seams?: Partial<ProcessorSeams>, directed?: Directed): Processor
  runOnce(change?: (document: Plain) => void, directed?: Directed): Promise<boolean>
  table(name: string): Promise<TableMetadata>
  /** `topic/partition@offset` of each row of a table's data files, sorted; deleted ones too. */
  rows(name: string): Promise<string[]>
  /** Each row of its data files as it is, whatever its columns; deleted ones too. */
  plainRows(name: string): Promise<Record<string, unknown>[]>
  linesOf(level: JournalLine['level'], message?: string): JournalLine[]
}

export function world(profile?: CatalogProfile): World {
  const clock = virtualClock()
  const random = seededRandom(7)
  const entropy = seededEntropy(random, clock)
  const faults: World['faults'] = { store: () => undefined, catalog: () => 'none' }
  const source = memoryStore({ clock, fault: (operation, key) => faults.store(operation, key) })
  const warehouse = memoryStore({ clock })
  const io = uriFiles(async () => warehouse)
  const catalog = memoryCatalog({ clock, entropy, warehouse: 's3://warehouse', profile, fault: (operation) => faults.catalog(operation) })
  const journal = memoryJournal()
  const seams = { source, catalog, io, clock, entropy, journal, meter: countingMeter() }

  async function table(name: string): Promise<TableMetadata> {
    const loaded = await catalog.loadTable({ namespace, name })
    if (loaded === null) throw new Error(`there is no table ${name}`)
    return loaded.metadata
  }

  function processor(
    change?: (document: Plain) => void,
    other: Partial<ProcessorSeams> = {},
    { id, ...directions }: Directed = {},
  ): Processor {
    const plain = smallest((document) => {
      document.spec.source.topics = ['*']
      document.spec.sink = { database: namespace[0] }
      // Values are kept whole, so that a table is made before anything is read.
      document.spec.mappings = [{ topic: '*', value: { format: 'binary' } }]
      change?.(document)
    })
    return new Processor(
      load(plain),
      { id: id ?? sourceId, prefix: 'p/' },
      { ...seams, queue: inProcessQueue<TablePayload, TaskResult>(), carryOut, ...other },
      { ...noDirections, ...directions },
    )
  }

  return {
    clock,
    source,
    warehouse,
    io,
    catalog,
    journal,
    faults,
    seams,
    async write(at, baseOffset, batches, parts = ['index', 'kfs']) {
      const { segment, index } = framed(baseOffset, batches)
      for (const part of parts) await source.put(segmentKey('p/', at, baseOffset, part), [part === 'kfs' ? segment : index])
      return segmentKey('p/', at, baseOffset, 'kfs')
    },
    processor,
    runOnce: (change, directed) => clock.run(() => processor(change, {}, directed).run(true, new AbortController().signal)),
    table,
    async plainRows(name) {
      const snapshot = currentSnapshot(await table(name))
      if (snapshot === null) return []
      const found: Record<string, unknown>[] = []
      for (const manifest of readManifestList(await io.read(snapshot['manifest-list'])).manifests) {
        for (const { status, dataFile } of readManifest(await io.read(manifest.manifestPath), manifest).entries) {
          if (status === 2 || dataFile.content !== 0) continue
          found.push(...(await readRows(await io.read(dataFile.filePath), 1_000_000)))
        }
      }
      return found
    },
    async rows(name) {
      const rows = await this.plainRows(name)
      return rows
        .map((row) => `${textOf(row.kafka_topic)}/${row.kafka_partition as number}@${row.kafka_offset as bigint}`)
        .sort((a, b) => (a < b ? -1 : 1))
    },
    linesOf: (level, message) =>
      journal.lines.filter((line) => line.level === level && (message === undefined || line.message === message)),
  }
}

/** `topic/partition@offset` for the offsets from `start` to `end`, exclusive. */
export function rowsOf(at: TopicPartition, start: number, end: number): string[] {
  return Array.from({ length: end - start }, (_, i) => `${at.topic}/${at.partition}@${start + i}`).sort((a, b) => (a < b ? -1 : 1))
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : Buffer.from(value as Uint8Array).toString()
}
