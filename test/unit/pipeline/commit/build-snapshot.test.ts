import { createHash } from 'node:crypto'
import { beforeEach, describe, expect, test } from 'vitest'
import { virtualClock } from '../../../../src/drivers/clock/virtual.ts'
import { seededEntropy, seededRandom } from '../../../../src/drivers/entropy/seeded.ts'
import type { DataFile, ManifestFile } from '../../../../src/formats/iceberg/data-file.ts'
import { readManifest } from '../../../../src/formats/iceberg/manifest.ts'
import { readManifestList } from '../../../../src/formats/iceberg/manifest-list.ts'
import type { TableMetadata } from '../../../../src/formats/iceberg/table-metadata.ts'
import { type Progress, progressOf } from '../../../../src/model/progress.ts'
import { noRequests } from '../../../../src/model/requests.ts'
import { buildSnapshot, type BuiltCommit, type SnapshotContents } from '../../../../src/pipeline/commit/build-snapshot.ts'
import { appended } from '../../../../src/pipeline/commit/file-change.ts'
import { encodeProgress } from '../../../../src/pipeline/commit/progress-text.ts'
import { summaryKeys } from '../../../../src/pipeline/commit/summary-keys.ts'
import { findTableState } from '../../../../src/pipeline/commit/table-state.ts'
import type { FileIO } from '../../../../src/seams/file-io.ts'
import { decided, source, tableWith } from './tables.ts'

const nowMs = 1_000_000

/** Files in memory. */
function memoryFiles(): FileIO & { readonly written: Map<string, Uint8Array> } {
  const written = new Map<string, Uint8Array>()
  return {
    written,
    read: async (uri) => written.get(uri)!,
    write: async (uri, chunks) => {
      if (written.has(uri)) throw new Error(`${uri} was written before`)
      const parts: Uint8Array[] = []
      for await (const chunk of chunks) parts.push(chunk)
      written.set(uri, Buffer.concat(parts))
      return written.get(uri)!.length
    },
    remove: async () => {},
  }
}

let io: ReturnType<typeof memoryFiles>
let around: Parameters<typeof buildSnapshot>[4]

beforeEach(() => {
  io = memoryFiles()
  around = { io, entropy: seededEntropy(seededRandom(1), virtualClock()), nowMs, propertiesInCommit: true }
})

function file(name: string): DataFile {
  return { content: 0, filePath: `s3://w/${name}.parquet`, fileFormat: 'PARQUET', partition: [], recordCount: 5n, fileSizeInBytes: 100n }
}

function build(
  metadata: TableMetadata,
  files: string[],
  progress: Progress,
  reuse: readonly ManifestFile[] | null = null,
  parent = metadata['current-snapshot-id'] ?? null,
  notes: Partial<SnapshotContents> = {},
) {
  const contents: SnapshotContents = {
    processorName: 'p',
    commitId: 'commit',
    change: appended(files.map(file), 0),
    progress,
    frontiers: new Map(),
    watermarkMs: 9,
    rescuedRows: 4n,
    speed: null,
    requests: noRequests,
    retraction: null,
    accepted: new Map(),
    leftOut: new Map(),
    skipped: null,
    control: new Map(),
    ...notes,
  }
  return buildSnapshot(metadata, parent, contents, reuse, around)
}

/** The table after a commit. */
function after(metadata: TableMetadata, { snapshot }: BuiltCommit): TableMetadata {
  const id = snapshot['snapshot-id']
  return {
    ...metadata,
    snapshots: [...(metadata.snapshots ?? []), snapshot],
    'current-snapshot-id': id,
    refs: { ...metadata.refs, main: { ...metadata.refs?.main, 'snapshot-id': id, type: 'branch' } },
    'last-sequence-number': snapshot['sequence-number']!,
    'last-updated-ms': snapshot['timestamp-ms'],
  }
}

async function filesIn({ snapshot }: BuiltCommit): Promise<string[]> {
  const { manifests } = readManifestList(await io.read(snapshot['manifest-list']))
  const entries = await Promise.all(manifests.map(async (manifest) => readManifest(await io.read(manifest.manifestPath), manifest).entries))
  return entries.flat().map(({ dataFile }) => dataFile.filePath.replace(/.*\/|\.parquet/g, ''))
}

const empty = tableWith([], { 'last-updated-ms': 0 })

test('the first snapshot asserts the table and that it is empty', async () => {
  const built = await build(empty, ['a', 'b'], decided([0, 10]))
  expect(built.requirements).toEqual([
    { type: 'assert-table-uuid', uuid: empty['table-uuid'] },
    { type: 'assert-ref-snapshot-id', ref: 'main', 'snapshot-id': null },
  ])
  expect(built.updates.map(({ action }) => action)).toEqual(['add-snapshot', 'set-snapshot-ref', 'set-properties'])
  expect(built.snapshot).toMatchObject({ 'sequence-number': 1n, 'timestamp-ms': nowMs, 'schema-id': 0 })
  expect(built.snapshot).not.toHaveProperty('parent-snapshot-id')
  expect(built.snapshot.summary).toMatchObject({
    operation: 'append',
    'added-data-files': '2',
    'total-records': '10',
    [summaryKeys.name]: 'p',
    [summaryKeys.commitId]: 'commit',
    [summaryKeys.watermarkMs]: '9',
    [summaryKeys.rescuedRows]: '4',
    [summaryKeys.version]: '1',
    [summaryKeys.progress]: encodeProgress(decided([0, 10])),
  })
  expect(await filesIn(built)).toEqual(['a', 'b'])
})

test('a later snapshot keeps the files of its parent, and asserts it', async () => {
  const first = await build(empty, ['a'], decided([0, 5]))
  const second = await build(after(empty, first), ['b'], decided([0, 10]))
  expect(second.requirements[1]).toMatchObject({ 'snapshot-id': first.snapshot['snapshot-id'] })
  expect(second.snapshot).toMatchObject({
    'parent-snapshot-id': first.snapshot['snapshot-id'],
    'sequence-number': 2n,
    summary: { 'total-records': '10' },
  })
  expect(await filesIn(second)).toEqual(['b', 'a'])
})

test('time never goes back, whatever this machine’s clock says', async () => {
  const first = await build(empty, ['a'], decided([0, 5]))
  const late = { ...after(empty, first), 'last-updated-ms': nowMs + 500 }
  expect((await build(late, [], decided([0, 5]))).snapshot['timestamp-ms']).toBe(nowMs + 500)
  around = { ...around, nowMs: nowMs - 10_000 }
  expect((await build(after(empty, first), [], decided([0, 5]))).snapshot['timestamp-ms']).toBe(nowMs + 1)
})

test('without files the snapshot is an empty append that carries everything on', async () => {
  const first = await build(empty, ['a'], decided([0, 5]))
  const second = await build(after(empty, first), [], decided([0, 5]))
  expect(second.newManifests).toEqual([])
  expect(second.snapshot.summary).toMatchObject({
    'total-records': '5',
    'total-data-files': '1',
    [summaryKeys.progress]: encodeProgress(decided([0, 5])),
  })
  expect(await filesIn(second)).toEqual(['a'])
})

test('the manifest of another attempt is named again and inherits the number of this one', async () => {
  const first = await build(empty, ['a'], decided([0, 5]))
  const other = await build(empty, ['x'], decided([5, 6]))
  const before = io.written.size
  const again = await build(after(empty, other), ['a'], decided([0, 6]), first.newManifests)
  expect(io.written.size).toBe(before + 1)
  const [manifest] = readManifestList(await io.read(again.snapshot['manifest-list'])).manifests
  expect(manifest).toMatchObject({
    manifestPath: first.newManifests[0].manifestPath,
    sequenceNumber: 2n,
    addedSnapshotId: again.snapshot['snapshot-id'],
  })
  expect(readManifest(await io.read(manifest.manifestPath), manifest).entries[0]).toMatchObject({
    sequenceNumber: 2n,
    snapshotId: again.snapshot['snapshot-id'],
  })
})

test('manifests are merged when there are as many as the table allows, and no file is lost', async () => {
  const properties = { 'commit.manifest.min-count-to-merge': '3' }
  let table = { ...empty, properties }
  let built = await build(table, ['0'], decided([0, 1]))
  for (let i = 1; i < 8; i++) {
    table = after(table, built) as typeof table
    built = await build(table, [`${i}`], decided([0, i + 1]))
  }
  const { manifests } = readManifestList(await io.read(built.snapshot['manifest-list']))
  expect(manifests.length).toBeLessThan(5)
  expect((await filesIn(built)).sort()).toEqual(['0', '1', '2', '3', '4', '5', '6', '7'])
})

test('settings of the branch main stay', async () => {
  const first = await build(empty, ['a'], decided([0, 5]))
  const table = after(empty, first)
  const main = { ...table.refs!.main, 'max-snapshot-age-ms': 7 }
  expect((await build({ ...table, refs: { main } }, [], decided([0, 5]))).updates[1]).toMatchObject({
    action: 'set-snapshot-ref',
    'max-snapshot-age-ms': 7,
    type: 'branch',
  })
})

describe('where progress is kept', () => {
  const long = progressOf(
    Array.from({ length: 100 }, (_, partition) => ({
      source,
      at: { topic: 'orders', partition },
      ranges: [[0n, 123_456_789_012n] as const],
    })),
  )

  test('long progress goes into the manifest list, with its SHA-256 in the summary, and is found again', async () => {
    const built = await build(empty, ['a'], long)
    const text = encodeProgress(long)
    expect(text.length).toBeGreaterThan(2048)
    expect(built.snapshot.summary).not.toHaveProperty(summaryKeys.progress)
    expect(built.snapshot.summary).toMatchObject({
      [summaryKeys.progressIn]: 'manifest-list',
      [summaryKeys.progressSha256]: createHash('sha256').update(text).digest('hex'),
    })
    const state = await findTableState('t', after(empty, built), async (snapshot) =>
      readManifestList(await io.read(snapshot['manifest-list'])),
    )
    expect(state.progress).toEqual(long)
  })

  test('a catalog that allows it gets a copy in the properties', async () => {
    expect((await build(empty, ['a'], long)).updates.at(-1)).toEqual({
      action: 'set-properties',
      updates: { [summaryKeys.progress]: encodeProgress(long) },
    })
    around = { ...around, propertiesInCommit: false }
    expect((await build(empty, ['a'], long)).updates.map(({ action }) => action)).toEqual(['add-snapshot', 'set-snapshot-ref'])
  })
})

describe('what a program must carry on that goes on from a snapshot', () => {
  const versionOf = (built: BuiltCommit) => {
    const set = built.updates.find((update) => update.action === 'set-properties')
    return [built.snapshot.summary[summaryKeys.version], set?.updates[summaryKeys.version]]
  }

  test.each<[string, Partial<SnapshotContents>]>([
    ['accepted offsets', { accepted: decided([1, 2]) }],
    ['what was left out', { leftOut: decided([0, 3]) }],
    ['retracted offsets', { retraction: { upTo: 7n, offsets: decided([1, 2]) } }],
  ])('%s are of a version that who does not know them refuses, also as a copy', async (_, notes) => {
    const built = await build(empty, ['a'], decided([3, 5]), null, null, notes)
    expect(versionOf(built)).toEqual(['3', '3'])
    const state = await findTableState('t', after(empty, built), async (snapshot) =>
      readManifestList(await io.read(snapshot['manifest-list'])),
    )
    expect(state).toMatchObject(notes)
    // Once nothing of it is left, whoever reads the first version may go on.
    const properties = { [summaryKeys.version]: '3', [summaryKeys.accepted]: '{"s":{}}' }
    const next = await build({ ...after(empty, built), properties }, [], decided([3, 5]))
    expect(versionOf(next)).toEqual(['1', '1'])
    expect(next.updates.at(-1)).toMatchObject({ updates: { [summaryKeys.accepted]: '{}' } })
  })

  test('nothing but progress is of the first version, of which the copy says nothing', async () => {
    expect(versionOf(await build(empty, ['a'], decided([0, 5])))).toEqual(['1', undefined])
  })
})

test('a current snapshot that the metadata lacks is an error: a commit on it would drop every file', async () => {
  await expect(build(empty, ['a'], decided([0, 5]), null, 77n)).rejects.toMatchObject({
    name: 'WorkError',
    retry: 'later',
    message: 'memory:/orders: snapshot 77 is current, and the metadata does not have it',
  })
})

test('in format version 3 the rows of a snapshot get ids that follow those of the one before', async () => {
  const table = { ...empty, 'format-version': 3, 'next-row-id': 0n }
  const first = await build(table, ['a'], decided([0, 5]))
  expect(first.snapshot).toMatchObject({ 'first-row-id': 0n, 'added-rows': 5n })
  const second = await build({ ...after(table, first), 'next-row-id': 5n }, ['b', 'c'], decided([0, 10]))
  expect(second.snapshot).toMatchObject({ 'first-row-id': 5n, 'added-rows': 10n })
  const { manifests } = readManifestList(await io.read(second.snapshot['manifest-list']))
  const entries = await Promise.all(manifests.map(async (manifest) => readManifest(await io.read(manifest.manifestPath), manifest).entries))
  expect(entries.flat().map(({ dataFile }) => dataFile.firstRowId)).toEqual([5n, 10n, 0n])
})
