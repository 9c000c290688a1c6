import { beforeEach, describe, expect, test } from 'vitest'
import type { DataFile, ManifestEntry } from '../../../src/formats/iceberg/data-file.ts'
import { readManifest } from '../../../src/formats/iceberg/manifest.ts'
import { readManifestList } from '../../../src/formats/iceberg/manifest-list.ts'
import { currentSnapshot } from '../../../src/formats/iceberg/table-metadata.ts'
import { summaryKeys } from '../../../src/pipeline/commit/summary-keys.ts'
import type { PlannedRewrite } from '../../../src/pipeline/maintain/plan-rewrites.ts'
import type { RewriteResult } from '../../../src/pipeline/maintain/rewrite-flow.ts'
import { TableRewriter } from '../../../src/service/maintain/table-rewriter.ts'
import { Turns } from '../../../src/service/tasks/turns.ts'
import type { Catalog } from '../../../src/seams/catalog.ts'
import { commitForeign, deletionVector, liveEntries, positionDeletes } from './foreign-commit.ts'
import { at, batch } from './segments.ts'
import { namespace, sourceId, type World, world } from './world.ts'

const name = { namespace, name: 'orders' }
let w: World

beforeEach(async () => {
  w = world()
  for (const base of [0n, 2n, 4n, 6n, 8n]) {
    await w.write(at, base, [batch(base, 2)])
    await w.runOnce()
  }
})

async function rewriter(catalog: Catalog = w.catalog): Promise<TableRewriter> {
  return new TableRewriter(sourceId, name, 'test', await w.table('orders'), { ...w.seams, catalog })
}

async function planned(): Promise<readonly PlannedRewrite[]> {
  const { plan } = await (
    await rewriter()
  ).plan(() => ({
    targetFileSizeBytes: 1_000_000,
    isQuiet: () => false,
    maxBytes: Infinity,
  }))
  return plan.rewrites
}

let written = 0
/** What an engine would make of a group: one file, of which only the entry is looked at here. */
function carriedOut({ group }: PlannedRewrite, rowsDeleted = 0n): RewriteResult {
  const rowsRead = group.inputs.reduce((sum, { live }) => sum + live.file.recordCount, 0n)
  const file: DataFile = {
    content: 0,
    filePath: `s3://warehouse/rewritten-${++written}.parquet`,
    fileFormat: 'PARQUET',
    partition: group.partition,
    recordCount: rowsRead - rowsDeleted,
    fileSizeInBytes: 1000n,
  }
  return { group, files: [file], rowsRead, rowsDeleted }
}

async function paths(): Promise<string[]> {
  return (await liveEntries(w, 'orders')).map(({ dataFile }) => dataFile.filePath)
}

async function allEntries(): Promise<ManifestEntry[]> {
  const { manifests } = readManifestList(await w.io.read(currentSnapshot(await w.table('orders'))!['manifest-list']))
  const read = manifests.map(async (manifest) => readManifest(await w.io.read(manifest.manifestPath), manifest).entries)
  return (await Promise.all(read)).flat()
}

function equalityDeletes(): DataFile {
  const filePath = `s3://warehouse/equal-${++written}.parquet`
  return { content: 2, filePath, fileFormat: 'PARQUET', partition: [], recordCount: 1n, fileSizeInBytes: 10n, equalityIds: [1] }
}

/** The catalog, where somebody does something just before the first commit arrives. */
function meanwhile(act: () => Promise<unknown>): Catalog {
  let first = true
  return {
    ...w.catalog,
    commitTable: async (...asked) => {
      if (first) {
        first = false
        await act()
      }
      return w.catalog.commitTable(...asked)
    },
  }
}

test('results that were begun too long ago are refused, all of them, since their files may be gone', async () => {
  const [rewrite] = await planned()
  const result = carriedOut(rewrite)
  const startedAtMs = w.clock.now()
  await w.clock.advanceBy(13 * 3_600_000)
  const report = await (await rewriter()).replace([result], startedAtMs)
  expect(report).toMatchObject({ committed: [], refused: [{ result, reason: 'it was begun more than 12 h ago' }] })
})

test('inputs go as deleted with the numbers that they had, outputs come with the number that they were planned on, and progress is carried', async () => {
  const before = await liveEntries(w, 'orders')
  const parent = currentSnapshot(await w.table('orders'))!
  const [rewrite] = await planned()
  const result = carriedOut(rewrite)
  const report = await (await rewriter()).replace([result], w.clock.now())
  expect(report).toMatchObject({ committed: [result], refused: [] })

  const snapshot = currentSnapshot(await w.table('orders'))!
  const entries = await allEntries()
  expect(entries.filter(({ status }) => status === 1)).toMatchObject([
    { snapshotId: snapshot['snapshot-id'], sequenceNumber: 5n, fileSequenceNumber: 6n, dataFile: result.files[0] },
  ])
  const gone = entries.filter(({ status }) => status === 2)
  const ofPath = (all: readonly ManifestEntry[]) =>
    new Map(all.map((entry) => [entry.dataFile.filePath, [entry.sequenceNumber, entry.fileSequenceNumber]]))
  expect(ofPath(gone)).toEqual(ofPath(before))
  expect(gone.every(({ snapshotId }) => snapshotId === snapshot['snapshot-id'])).toBe(true)
  expect(snapshot.summary).toMatchObject({
    operation: 'replace',
    'added-data-files': '1',
    'deleted-data-files': '5',
    'added-records': '10',
    'deleted-records': '10',
    'total-records': '10',
    'total-data-files': '1',
    [summaryKeys.progress]: parent.summary[summaryKeys.progress],
  })
  expect(snapshot).toMatchObject({ 'parent-snapshot-id': parent['snapshot-id'] })
  expect(await paths()).toEqual([result.files[0].filePath])
})

test('the service goes on from a replacement as from any snapshot of ours, and a manifest without live files is left out', async () => {
  const [rewrite] = await planned()
  await (await rewriter()).replace([carriedOut(rewrite)], w.clock.now())
  await w.write(at, 10n, [batch(10n, 1)])
  await w.runOnce()
  expect(currentSnapshot(await w.table('orders'))!.summary).toMatchObject({ operation: 'append', 'total-records': '11' })
  expect(await liveEntries(w, 'orders')).toHaveLength(2)
  expect((await allEntries()).filter(({ status }) => status === 2)).toEqual([])
})

test('what can not be replaced is refused whole, and keeps no other back', async () => {
  const [rewrite] = await planned()
  const [first, ...rest] = rewrite.group.inputs
  const alone = carriedOut({ ...rewrite, group: { ...rewrite.group, inputs: [first] } })
  const others = carriedOut({ ...rewrite, group: { ...rewrite.group, inputs: rest } })
  const again = carriedOut({ ...rewrite, group: { ...rewrite.group, inputs: [rest[0]] } })
  await commitForeign(w, 'orders', { remove: [first.live.file.filePath] })
  const report = await (await rewriter()).replace([alone, others, again], w.clock.now())
  expect(report.committed).toEqual([others])
  expect(report.refused.map(({ reason }) => reason)).toEqual([
    `${first.live.file.filePath} is no longer in the table: others rewrote or deleted it`,
    `${rest[0].live.file.filePath} is rewritten by another result of the same commit`,
  ])
  const before = await w.table('orders')
  expect(await (await rewriter()).replace([alone], w.clock.now())).toMatchObject({ committed: [], refused: [{ result: alone }] })
  expect(await w.table('orders')).toBe(before)
})

describe('an append that comes first', () => {
  test('costs the replacement one more manifest list, and is not refused', async () => {
    const [rewrite] = await planned()
    await w.write(at, 10n, [batch(10n, 1)])
    const result = carriedOut(rewrite)
    const one = await rewriter(meanwhile(() => w.processor().run(true, new AbortController().signal)))
    const manifests = () => w.warehouse.keys().filter((key) => key.endsWith('-m0.avro'))
    const before = manifests()
    const report = await w.clock.run(() => one.replace([result], w.clock.now()))
    expect(report).toMatchObject({ committed: [result], refused: [] })
    expect(currentSnapshot(await w.table('orders'))!.summary).toMatchObject({ operation: 'replace', 'total-records': '11' })
    expect(await paths()).toHaveLength(2)
    const origin = { addedSnapshotId: 1n, sequenceNumber: 1n, partitionSpecId: 0 }
    const naming = async (key: string) => {
      const manifestPath = `s3://warehouse/${key}`
      const { entries } = readManifest(await w.io.read(manifestPath), { ...origin, manifestPath })
      return entries.some(({ dataFile }) => dataFile.filePath === result.files[0].filePath)
    }
    const outputs = await Promise.all(
      manifests()
        .filter((key) => !before.includes(key))
        .map(naming),
    )
    expect(outputs.filter(Boolean)).toHaveLength(1)
  })

  test('meets a replacement and is built anew on top of it', async () => {
    const [rewrite] = await planned()
    await w.write(at, 10n, [batch(10n, 1)])
    const append = w.processor(() => {}, {
      catalog: meanwhile(async () => (await rewriter()).replace([carriedOut(rewrite)], w.clock.now())),
    })
    expect(await w.clock.run(() => append.run(true, new AbortController().signal))).toBe(true)
    expect(currentSnapshot(await w.table('orders'))!.summary).toMatchObject({ operation: 'append', 'total-records': '11' })
    expect(await paths()).toHaveLength(2)
    expect(w.linesOf('info', 'result refused, planned again')).toEqual([])
  })
})

test('beside a feed that commits all the time a replacement lands all the same, and the feed waits for it', async () => {
  const [rewrite] = await planned()
  const turn = new Turns(1)
  // To look at the table takes longer than the feed leaves it as it is.
  const slow: Catalog = {
    ...w.catalog,
    async loadTable(...asked) {
      const loaded = await w.catalog.loadTable(...asked)
      await w.clock.sleep(5000)
      return loaded
    },
  }
  const one = new TableRewriter(sourceId, name, 'test', await w.table('orders'), { ...w.seams, catalog: slow, turn })
  const stop = new AbortController()
  let appends = 0
  const feed = async () => {
    while (!stop.signal.aborted) {
      await turn.take(async () => void (await commitForeign(w, 'orders', {})))
      appends++
      await w.clock.sleep(1000)
    }
  }
  await w.clock.run(async () => {
    const feeding = feed()
    expect(await one.replace([carriedOut(rewrite)], w.clock.now())).toMatchObject({ committed: [{}], refused: [] })
    stop.abort()
    await feeding
  })
  expect(appends).toBeGreaterThan(5)
  expect(w.linesOf('info', 'commit conflict, building anew')).toHaveLength(2)
})

describe('deletes', () => {
  test('by deletion vector that come meanwhile are another try', async () => {
    const [rewrite] = await planned()
    const path = rewrite.group.inputs[2].live.file.filePath
    const vector = async () => commitForeign(w, 'orders', { deletes: [await deletionVector(w, path, [0])], formatVersion: 3 })
    const report = await w.clock.run(async () => (await rewriter(meanwhile(vector))).replace([carriedOut(rewrite)], w.clock.now()))
    expect(report.committed).toEqual([])
    expect(report.refused[0].reason).toMatch(/ may delete rows of .* since$/)
    const [again] = await planned()
    expect(again.group.inputs.flatMap(({ deletes }) => deletes.map(({ file }) => file.fileFormat))).toEqual(['PUFFIN'])
  })

  test('by position that come meanwhile are another try', async () => {
    const [rewrite] = await planned()
    const path = rewrite.group.inputs[2].live.file.filePath
    const one = await rewriter(meanwhile(async () => commitForeign(w, 'orders', { deletes: [await positionDeletes(w, path, [0])] })))
    const report = await w.clock.run(() => one.replace([carriedOut(rewrite)], w.clock.now()))
    expect(report.committed).toEqual([])
    expect(report.refused[0].reason).toMatch(/ may delete rows of .* since$/)
    expect(await paths()).toHaveLength(6)
    const [again] = await planned()
    expect((await (await rewriter()).replace([carriedOut(again, 1n)], w.clock.now())).committed).toHaveLength(1)
    expect(await paths()).toEqual([`s3://warehouse/rewritten-${written}.parquet`])
    expect(currentSnapshot(await w.table('orders'))!.summary).toMatchObject({
      'removed-position-delete-files': '1',
      'removed-position-deletes': '1',
      'deleted-records': '10',
      'added-records': '9',
    })
  })

  test('by position that are about another file do not matter', async () => {
    const [rewrite] = await planned()
    const [first, ...rest] = rewrite.group.inputs
    await commitForeign(w, 'orders', {
      deletes: [{ ...(await positionDeletes(w, 's3://warehouse/x.parquet', [0])), referencedDataFile: first.live.file.filePath }],
    })
    const report = await (await rewriter()).replace([carriedOut({ ...rewrite, group: { ...rewrite.group, inputs: rest } })], w.clock.now())
    expect(report.refused).toEqual([])
    expect(await paths()).toHaveLength(3)
  })

  test('by equality that come meanwhile stay, and are newer than the outputs', async () => {
    const [rewrite] = await planned()
    const late = equalityDeletes()
    const one = await rewriter(meanwhile(() => commitForeign(w, 'orders', { deletes: [late] })))
    const result = carriedOut(rewrite)
    expect((await w.clock.run(() => one.replace([result], w.clock.now()))).committed).toEqual([result])
    const numbers = new Map((await liveEntries(w, 'orders')).map((entry) => [entry.dataFile.filePath, entry.sequenceNumber]))
    expect(numbers).toEqual(
      new Map([
        [result.files[0].filePath, 5n],
        [late.filePath, 6n],
      ]),
    )
  })

  test('by equality are removed when no older file is left, and not before', async () => {
    const late = equalityDeletes()
    await commitForeign(w, 'orders', { deletes: [late] })
    const [rewrite] = await planned()
    const [first, ...rest] = rewrite.group.inputs
    const part = (inputs: typeof rest) => carriedOut({ ...rewrite, group: { ...rewrite.group, inputs } })
    await (await rewriter()).replace([part(rest)], w.clock.now())
    expect(await paths()).toContain(late.filePath)
    await (await rewriter()).replace([part([first])], w.clock.now())
    expect(await paths()).not.toContain(late.filePath)
    expect(await paths()).toHaveLength(2)
  })

  test('that a result was not made with refuse it, even when the history says nothing of it', async () => {
    await commitForeign(w, 'orders', { deletes: [equalityDeletes()] })
    const [rewrite] = await planned()
    const without = { ...rewrite.group, inputs: rewrite.group.inputs.map((input) => ({ ...input, deletes: [] })) }
    const report = await (await rewriter()).replace([carriedOut({ ...rewrite, group: without })], w.clock.now())
    expect(report.refused[0].reason).toMatch(/has other deletes than it was rewritten with$/)
  })
})

test('a commit whose answer is lost is found, and not made twice', async () => {
  w.faults.catalog = ({ kind }) => {
    if (kind !== 'commit') return 'none'
    w.faults.catalog = () => 'none'
    return 'lost-after'
  }
  const result = carriedOut((await planned())[0])
  const one = await rewriter()
  expect(await w.clock.run(() => one.replace([result], w.clock.now()))).toMatchObject({ committed: [result], refused: [] })
  expect((await w.table('orders')).snapshots).toHaveLength(6)
})

test('files are deleted whole, with the deletes that only they needed, and their offsets stay decided', async () => {
  const [rewrite] = await planned()
  const [first, second] = rewrite.group.inputs.map(({ live }) => live)
  await commitForeign(w, 'orders', {
    deletes: [{ ...(await positionDeletes(w, first.file.filePath, [0])), referencedDataFile: first.file.filePath }],
    remove: [second.file.filePath],
  })
  const { deleted } = await (await rewriter()).deleteFiles([first, second])
  expect(deleted).toEqual([first])
  expect(currentSnapshot(await w.table('orders'))!.summary).toMatchObject({
    operation: 'delete',
    'deleted-data-files': '1',
    'deleted-records': '2',
  })
  await w.runOnce()
  expect(await w.rows('orders')).toEqual([4, 5, 6, 7, 8, 9].map((offset) => `orders/0@${offset}`))
})
