import { parseArgs } from 'node:util'
import { seededEntropy, seededRandom } from '../../src/drivers/entropy/seeded.ts'
import { memoryJournal } from '../../src/drivers/journal/memory.ts'
import { countingMeter } from '../../src/drivers/meter/counting.ts'
import { memoryStore } from '../../src/drivers/store/memory.ts'
import { openSqliteCatalog } from '../../src/drivers/catalog/sqlite.ts'
import type { DataFile, ManifestEntry, ManifestFile } from '../../src/formats/iceberg/data-file.ts'
import { readManifest } from '../../src/formats/iceberg/manifest.ts'
import { readManifestList } from '../../src/formats/iceberg/manifest-list.ts'
import { currentSnapshot, type TableMetadata } from '../../src/formats/iceberg/table-metadata.ts'
import { segmentKey } from '../../src/formats/kfs/segment-key.ts'
import type { SegmentRef } from '../../src/model/segment.ts'
import type { Task } from '../../src/model/task.ts'
import { newTable } from '../../src/pipeline/commit/new-table.ts'
import { resolveLayout } from '../../src/pipeline/commit/resolve-layout.ts'
import { TableCommitter } from '../../src/service/feed/committer.ts'
import type { RewriteResult } from '../../src/pipeline/maintain/rewrite-flow.ts'
import { TableRewriter } from '../../src/service/maintain/table-rewriter.ts'
import { TableUpkeep, UpkeepTurns } from '../../src/service/maintain/table-upkeep.ts'
import type { TaskResult } from '../../src/pipeline/flow.ts'
import { limitsOf } from '../../src/service/tasks/limits.ts'
import { carryOut, taskTarget } from '../../src/service/tasks/worker.ts'
import type { Clock } from '../../src/seams/clock.ts'
import type { ListedFiles } from '../../src/seams/file-io.ts'
import type { ProcessorDocument } from '../../src/spec/document.ts'
import { loadDocuments } from '../../src/spec/load.ts'
import { mappingFor } from '../../src/spec/table-mapping.ts'
import { orderSegments } from './generate.ts'
import { serviceDocument } from './service.ts'

/** What one commit cost. */
export interface CommitCost {
  readonly bytesWritten: number
  readonly bytesRead: number
  readonly cpuMs: number
  /** Manifests in the list that it wrote. */
  readonly manifests: number
}

/** A table after many commits of one small file each, a minute apart. */
export interface AgedTable {
  /** Cost of commit number i + 1. */
  readonly costs: readonly CommitCost[]
  readonly metadata: TableMetadata
  /** Every entry that the current snapshot has, with the manifest that it stands in. */
  readonly entries: readonly { readonly manifest: ManifestFile; readonly entry: ManifestEntry }[]
  /** The path of the file that commit number i + 1 added, and the snapshot that it made. */
  readonly added: readonly { readonly filePath: string; readonly snapshotId: bigint }[]
  readonly recordsPerFile: bigint
  /** Files in the metadata directory, those that nothing names any more included. */
  readonly metadataFiles: number
  /** Of them, table metadata documents. */
  readonly metadataDocuments: number
  /** Of the newest of them. */
  readonly metadataBytes: number
  /** Heap in use after every thousand commits, without the files, which are held in memory here; collected before where node has `--expose-gc`. */
  readonly heapBytes: readonly number[]
}

const table = { namespace: ['bench'], name: 'orders' }
const recordsPerFile = 100
const commitEveryMs = 60_000
/** Commits between two looks of upkeep: ten minutes. */
const looksEvery = 10
/** Commits between two compactions, and those whose files are left alone by it: an hour, and ten minutes. */
const compactEvery = 60
const quietCommits = 10
/** What a file is said to have, and the size that files should have, bytes. */
const fileBytes = 1_000_000
const targetBytes = 128 * 1024 * 1024

type Expiry = NonNullable<NonNullable<ProcessorDocument['spec']['maintenance']>['expiry']>

/**
 * Ages a table by `commits` commits of the real committer into a SQLite catalog, files in memory. All data files are copies of one,
 * which a worker wrote from a segment, and are said to be of 1 MB. Upkeep looks after every ten commits, as in a service; what it costs is not a
 * commit's. With `compact`, files are joined every hour, as far as the metadata goes: planned and committed for real, their rows are not written.
 */
export async function ageTable(commits: number, expiry: Expiry = {}, compact = false): Promise<AgedTable> {
  let nowMs = Date.UTC(2026, 0, 1)
  const clock: Clock = { now: () => nowMs, sleep: async () => undefined }
  const entropy = seededEntropy(seededRandom(1), clock)
  const { io, counts, files } = countingFiles()
  const catalog = await openSqliteCatalog({
    path: ':memory:',
    warehouse: 'file:///warehouse',
    files: {
      readFile: (uri) => io.read(uri),
      writeFile: async (uri, bytes) => {
        await io.write(uri, [bytes])
      },
      deleteFile: (uri) => io.remove(uri),
    },
    clock,
    entropy,
  })
  const document = loadDocuments(serviceDocument({ directory: '/segments' }, {}), 'aged', {})[0]
  const mapping = mappingFor(document, 'orders')
  await catalog.ensureNamespace(table.namespace)
  const created = await catalog.createTable(
    table,
    newTable(mapping, { value: { format: 'binary' }, properties: {}, formatVersion: 2, profile: catalog.profile }),
  )
  if (created.kind !== 'created') throw new Error('the table is there before it is created')
  const { metadata } = created.table
  const layout = resolveLayout('bench.orders', metadata, mapping)
  const [{ segment }] = orderSegments({ records: recordsPerFile, maxSegmentBytes: 1, recordsPerBatch: recordsPerFile })
  const first = await carryOut(taskOf(0), taskTarget(metadata, layout, { onError: 'stop' }), limitsOf(document.spec.processing), {
    source: { get: async () => segment },
    io,
    clock,
    entropy,
  })
  const seams = { catalog, io, clock, entropy, journal: memoryJournal(), meter: countingMeter() }
  const committer = new TableCommitter('file:///segments/', table, 'bench', metadata, seams)
  const upkeep = new TableUpkeep(
    table,
    {
      document: { ...document, spec: { ...document.spec, maintenance: { expiry } } },
      source: { id: 'file:///segments/', prefix: '' },
      limits: limitsOf(document.spec.processing),
      kafkaColumns: mapping.kafkaColumns,
    },
    new UpkeepTurns(document.spec.processing),
    { ...seams, source: memoryStore({ clock }) },
  )

  const rewriter = new TableRewriter('file:///segments/', table, 'bench', metadata, seams)

  const costs: CommitCost[] = []
  const added: { filePath: string; snapshotId: bigint }[] = []
  const heapBytes: number[] = []
  for (let i = 0; i < commits; i++) {
    nowMs += commitEveryMs
    const result = resultOf(first, i, nowMs)
    const before = { ...counts }
    const cpu = process.cpuUsage()
    const { committed, state } = await committer.commit([result])
    const { user, system } = process.cpuUsage(cpu)
    if (committed.length !== 1) throw new Error(`commit ${i + 1} was not accepted`)
    costs.push({
      bytesWritten: counts.written - before.written,
      bytesRead: counts.read - before.read,
      cpuMs: (user + system) / 1000,
      manifests: readManifestList(files.get(state.newest!['manifest-list'])!).manifests.length,
    })
    added.push({ filePath: result.files[0].filePath, snapshotId: state.snapshotId! })
    if ((i + 1) % 1000 === 0) {
      globalThis.gc?.()
      heapBytes.push(process.memoryUsage().heapUsed)
    }
    if (compact && (i + 1) % compactEvery === 0) await joinFiles(rewriter, first, i, nowMs)
    if ((i + 1) % looksEvery === 0) await upkeep.look(new AbortController().signal)
  }
  const loaded = await catalog.loadTable(table)
  await catalog.close()
  const list = readManifestList(files.get(currentSnapshot(loaded!.metadata)!['manifest-list'])!)
  return {
    costs,
    metadata: loaded!.metadata,
    entries: list.manifests.flatMap((manifest) =>
      readManifest(files.get(manifest.manifestPath)!, manifest).entries.map((entry) => ({ manifest, entry })),
    ),
    added,
    recordsPerFile: BigInt(recordsPerFile),
    metadataFiles: [...files.keys()].filter((uri) => uri.includes('/metadata/')).length,
    metadataBytes: files.get(loaded!.metadataLocation!)!.length,
    heapBytes,
    metadataDocuments: [...files.keys()].filter((uri) => uri.endsWith('.metadata.json')).length,
  }
}

/** Means over the commits number `from` to `to`, both inclusive, counted from 1. */
export function meanCost(costs: readonly CommitCost[], from: number, to: number): CommitCost {
  const window = costs.slice(from - 1, to)
  const mean = (of: (cost: CommitCost) => number) => window.reduce((sum, cost) => sum + of(cost), 0) / window.length
  return {
    bytesWritten: mean((cost) => cost.bytesWritten),
    bytesRead: mean((cost) => cost.bytesRead),
    cpuMs: mean((cost) => cost.cpuMs),
    manifests: mean((cost) => cost.manifests),
  }
}

/** Medians, as `meanCost` gives means: what a commit costs that merges nothing. */
export function medianCost(costs: readonly CommitCost[], from: number, to: number): CommitCost {
  const window = costs.slice(from - 1, to)
  const median = (of: (cost: CommitCost) => number) => window.map(of).toSorted((a, b) => a - b)[window.length >> 1]
  return {
    bytesWritten: median((cost) => cost.bytesWritten),
    bytesRead: median((cost) => cost.bytesRead),
    cpuMs: median((cost) => cost.cpuMs),
    manifests: median((cost) => cost.manifests),
  }
}

function segmentOf(i: number): SegmentRef {
  const baseOffset = BigInt(i * recordsPerFile)
  const key = segmentKey('', { topic: 'orders', partition: 0 }, baseOffset, 'kfs')
  return { key, baseOffset, size: 42_000, etag: `"${i}"`, lastModifiedMs: 0, settled: true }
}

function taskOf(i: number): Task {
  const follows = i === 0 ? null : segmentOf(i - 1).baseOffset
  const at = { topic: 'orders', partition: 0 }
  return {
    id: `task-${i}`,
    parts: [{ at, follows, segments: [segmentOf(i)], startOffset: 0n, decided: [], nextBaseOffset: null }],
    bytes: 42_000,
  }
}

/** The result of task `i`: the file that was written once under another name, and the offsets of segment `i`. */
function resultOf(first: TaskResult, i: number, nowMs: number): TaskResult {
  const task = taskOf(i)
  const segment = segmentOf(i)
  const file: DataFile = {
    ...first.files[0],
    filePath: first.files[0].filePath.replace(/[^/]+$/, `${String(i).padStart(36, '0')}.parquet`),
    fileSizeInBytes: BigInt(fileBytes),
  }
  const end = segment.baseOffset + BigInt(recordsPerFile)
  const part = {
    ...first.parts[0],
    follows: task.parts[0].follows,
    first: segment,
    last: segment,
    ranges: [[segment.baseOffset, end] as const],
  }
  return { task, files: [file], parts: [part], startedAtMs: nowMs }
}

/** Compacts the table as far as its metadata goes. */
async function joinFiles(rewriter: TableRewriter, first: TaskResult, i: number, nowMs: number): Promise<void> {
  const { plan } = await rewriter.plan(({ 'last-sequence-number': last }) => ({
    targetFileSizeBytes: targetBytes,
    isQuiet: ({ fileSequenceNumber }) => fileSequenceNumber === null || fileSequenceNumber > last - BigInt(quietCommits),
    maxBytes: Infinity,
  }))
  const results = plan.rewrites.map(({ group }, n): RewriteResult => {
    const files = group.inputs.map(({ live }) => live.file)
    const rowsRead = files.reduce((sum, { recordCount }) => sum + recordCount, 0n)
    const file: DataFile = {
      ...first.files[0],
      filePath: first.files[0].filePath.replace(/[^/]+$/, `${String(i).padStart(30, 'j')}-${n}.parquet`),
      recordCount: rowsRead,
      fileSizeInBytes: files.reduce((sum, { fileSizeInBytes }) => sum + fileSizeInBytes, 0n),
    }
    return { group, files: [file], rowsRead, rowsDeleted: 0n }
  })
  if (results.length === 0) return
  const { refused } = await rewriter.replace(results, nowMs)
  if (refused.length > 0) throw new Error(`a rewrite was refused: ${refused[0].reason}`)
}

function countingFiles(): { io: ListedFiles; counts: { read: number; written: number }; files: Map<string, Uint8Array> } {
  const files = new Map<string, Uint8Array>()
  const counts = { read: 0, written: 0 }
  const io: ListedFiles = {
    async read(uri) {
      const bytes = files.get(uri)
      if (bytes === undefined) throw new Error(`${uri} is not there`)
      counts.read += bytes.length
      return bytes
    },
    async write(uri, chunks) {
      const parts: Uint8Array[] = []
      for await (const chunk of chunks) parts.push(Uint8Array.from(chunk))
      const bytes = Buffer.concat(parts)
      files.set(uri, bytes)
      counts.written += bytes.length
      return bytes.length
    },
    async remove(uri) {
      files.delete(uri)
    },
    list() {
      throw new Error('nobody lists the files of a table that ages')
    },
  }
  return { io, counts, files }
}

/** A short history: ten snapshots, and those that came since upkeep looked last. */
export const shortHistory: Expiry = { maxAgeHours: 1 / 60, minSnapshots: 10, maxSnapshots: 10 }

/** How often manifests are merged: windows of so many commits hold a merge. */
const mergeCycle = 100

/** What the last commits cost by those around number 100, on average over windows that hold a merge each. */
export function growth(costs: readonly CommitCost[]): { readonly bytes: number; readonly cpu: number } {
  const first = meanCost(costs, 51, 50 + mergeCycle)
  const last = meanCost(costs, costs.length - mergeCycle + 1, costs.length)
  return { bytes: (last.bytesWritten + last.bytesRead) / (first.bytesWritten + first.bytesRead), cpu: last.cpuMs / first.cpuMs }
}

/** What has to hold of a table that is looked after, however old it gets; each with what was found. */
export function promises({ costs, metadata, entries, metadataBytes, heapBytes }: AgedTable): readonly { text: string; kept: boolean }[] {
  const { bytes, cpu } = growth(costs)
  const files = entries.filter(({ entry }) => entry.status !== 2).length
  const atTarget = Math.ceil(Number(currentSnapshot(metadata)?.summary['total-files-size']) / targetBytes)
  const grown = ((heapBytes.at(-1) ?? 0) - (heapBytes[0] ?? 0)) / Math.max(1, heapBytes.length - 1)
  return [
    { text: `bytes of the last ${mergeCycle} commits by commits 51–150: × ${bytes.toFixed(2)}, at most 2`, kept: bytes <= 2 },
    { text: `CPU time of the same: × ${cpu.toFixed(2)}, at most 2`, kept: cpu <= 2 },
    {
      text: `data files: ${files}, at most three times ${atTarget}, which the data would be at the target size`,
      kept: files <= 3 * atTarget,
    },
    { text: `metadata.json: ${(metadataBytes / 1000).toFixed(0)} KB, less than 1 MB`, kept: metadataBytes < 1_000_000 },
    {
      text: `heap: ${(grown / 1000).toFixed(0)} bytes more a commit, at most 1,000 (what is kept here of each is about 700)`,
      kept: grown <= 1_000_000,
    },
  ]
}

function report({ costs, metadata, metadataFiles, metadataBytes, heapBytes }: AgedTable): void {
  const commits = costs.length
  console.log(
    `${commits} commits a minute apart, ${metadata.snapshots?.length} snapshots kept, ${metadataFiles} files in the metadata directory`,
  )
  console.log('commits           KB written    KB read     CPU ms  manifests')
  const line = (name: string, cost: CommitCost) => {
    const numbers = [cost.bytesWritten / 1000, cost.bytesRead / 1000, cost.cpuMs, cost.manifests]
    console.log(`${name.padEnd(17)} ${numbers.map((number) => number.toFixed(1).padStart(10)).join(' ')}`)
  }
  line('median 5–15', medianCost(costs, 5, 15))
  line('mean 51–150', meanCost(costs, 51, 150))
  for (const to of [1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000, 525_600].filter((end) => end <= commits)) {
    line(`median ${to - 10}–${to}`, medianCost(costs, to - 10, to))
    line(`mean ${to - 99}–${to}`, meanCost(costs, to - 99, to))
  }
  console.log(`metadata.json of ${(metadataBytes / 1000).toFixed(0)} KB`)
  const heap = [1, 5, 10, 20, 50, 100].flatMap((n) =>
    heapBytes[n - 1] === undefined ? [] : [`${n},000: ${(heapBytes[n - 1] / 1e6).toFixed(0)} MB`],
  )
  console.log(`heap after commits ${heap.join(', ')}`)
  line(
    'largest',
    costs.reduce((a, b) => (b.bytesWritten + b.bytesRead > a.bytesWritten + a.bytesRead ? b : a)),
  )
}

// `aged-table.ts [COMMITS] [--short] [--compact]`; with `--compact` exits 1 where a promise is not kept, else where commits have become more than twice as dear.
if (import.meta.main) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { short: { type: 'boolean', default: false }, compact: { type: 'boolean', default: false } },
  })
  const startedMs = performance.now()
  const aged = await ageTable(Number(positionals[0] ?? 1000), values.short ? shortHistory : {}, values.compact)
  report(aged)
  const judged = promises(aged).slice(0, values.compact ? undefined : 2)
  for (const { text, kept } of judged) console.log(`${kept ? 'kept  ' : 'BROKEN'}  ${text}`)
  console.log(`${((performance.now() - startedMs) / 1000).toFixed(0)} s`)
  if (!judged.every(({ kept }) => kept)) process.exitCode = 1
}
