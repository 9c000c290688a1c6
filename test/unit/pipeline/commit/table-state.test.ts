import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { ManifestList } from '../../../../src/formats/iceberg/manifest-list.ts'
import type { TableMetadata } from '../../../../src/formats/iceberg/table-metadata.ts'
import { WorkError } from '../../../../src/model/failure.ts'
import { noRequests, withPaused } from '../../../../src/model/requests.ts'
import type { Frontiers } from '../../../../src/model/segment.ts'
import { encodeFrontiers, encodeProgress } from '../../../../src/pipeline/commit/progress-text.ts'
import { summaryKeys } from '../../../../src/pipeline/commit/summary-keys.ts'
import { ancestorsOf, findTableState, hasCommit } from '../../../../src/pipeline/commit/table-state.ts'
import { at } from '../../service/segments.ts'
import { decided, foreign, listWith, ours, source, tableWith } from './tables.ts'

function find(metadata: TableMetadata, lists: (id: bigint) => ManifestList | null = () => null) {
  return findTableState('db.orders', metadata, async (snapshot) => lists(snapshot['snapshot-id']))
}

async function stopOf(metadata: TableMetadata, lists?: (id: bigint) => ManifestList | null): Promise<string> {
  const error = await find(metadata, lists).then(
    () => null,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(WorkError)
  expect((error as WorkError).retry).toBe('never')
  expect((error as WorkError).message).toMatch(/^table db\.orders is stopped: /)
  return (error as WorkError).message.replace('table db.orders is stopped: ', '')
}

describe('finding progress', () => {
  test('a table without snapshots and without our marks begins from nothing', async () => {
    expect(await find(tableWith([]))).toEqual({
      snapshotId: null,
      progress: new Map(),
      frontiers: new Map(),
      watermarkMs: null,
      rescuedRows: 0n,
      speed: null,
      requests: noRequests,
      accepted: new Map(),
      leftOut: new Map(),
      skipped: new Map(),
      control: new Map(),
      retraction: null,
      newest: null,
    })
  })

  test('a table that only others wrote begins from nothing, on top of their snapshot', async () => {
    expect(await find(tableWith([foreign(1, null), foreign(2, 1)]))).toMatchObject({ snapshotId: 2n, progress: new Map(), newest: null })
  })

  test('the newest snapshot of ours tells', async () => {
    const newest = ours(2, 1, decided([0, 9]), { [summaryKeys.watermarkMs]: '77', [summaryKeys.requests]: '{"pause":["orders"]}' })
    expect(await find(tableWith([ours(1, null, decided([0, 5])), newest]))).toMatchObject({
      snapshotId: 2n,
      progress: decided([0, 9]),
      watermarkMs: 77,
      requests: withPaused(noRequests, ['orders']),
      newest,
    })
  })

  test('what was asked when the table was created counts until a snapshot of ours says what is asked', async () => {
    const properties = { [summaryKeys.requests]: '{"pause":["orders"]}' }
    const asked = withPaused(noRequests, ['orders'])
    expect(await find(tableWith([], { properties }))).toMatchObject({ requests: asked })
    expect(await find(tableWith([foreign(1, null)], { properties }))).toMatchObject({ requests: asked })
    expect(await find(tableWith([ours(1, null, decided([0, 5]))], { properties }))).toMatchObject({ requests: noRequests })
  })

  test('requests that can not be read stop the table', async () => {
    expect(await stopOf(tableWith([ours(1, null, decided([0, 5]), { [summaryKeys.requests]: '{"pause":"orders"}' })]))).toBe(
      'requests of snapshot 1: pause: expected a list, found a string',
    )
    expect(await stopOf(tableWith([], { properties: { [summaryKeys.requests]: 'pause' } }))).toMatch(
      /^requests of the properties is not JSON/,
    )
  })

  test('snapshots of other writers are walked over, and stay what a commit must find', async () => {
    const snapshots = [ours(1, null, decided([0, 5])), foreign(2, 1), foreign(3, 2)]
    expect(await find(tableWith(snapshots))).toMatchObject({ snapshotId: 3n, progress: decided([0, 5]), newest: snapshots[0] })
  })

  test('a history that was cut off behind our newest snapshot is enough', async () => {
    expect(await find(tableWith([ours(8, 7, decided([0, 5])), foreign(9, 8)]))).toMatchObject({ progress: decided([0, 5]) })
  })

  test('a current snapshot id without a ref main is main', async () => {
    const metadata = { ...tableWith([ours(1, null, decided([0, 5]))]), refs: undefined }
    expect(await find(metadata)).toMatchObject({ snapshotId: 1n, progress: decided([0, 5]) })
  })

  test('−1 is no snapshot, as some writers say it', async () => {
    expect((await find({ ...tableWith([]), 'current-snapshot-id': -1n })).snapshotId).toBeNull()
    expect(await find(tableWith([foreign(1, -1)]))).toMatchObject({ snapshotId: 1n, progress: new Map() })
  })

  test('a history that goes in circles ends', () => {
    expect(ancestorsOf(tableWith([foreign(1, 2), foreign(2, 1)])).ancestors).toHaveLength(2)
  })

  test('the frontiers come from the metadata of the manifest list', async () => {
    const frontier = { baseOffset: 7n, size: 100, etag: 'e', lastModifiedMs: 5, maxTimestampMs: null }
    const frontiers: Frontiers = new Map([[source, new Map([[at.topic, new Map([[at.partition, frontier]])]])]])
    const list = listWith({ [summaryKeys.frontiers]: encodeFrontiers(frontiers) })
    expect((await find(tableWith([ours(1, null, decided([0, 9]))]), () => list)).frontiers).toEqual(frontiers)
  })
})

describe('progress in the manifest list', () => {
  const text = encodeProgress(decided([0, 9]))
  const sha = createHash('sha256').update(text).digest('hex')
  const snapshot = ours(1, null, decided(), { [summaryKeys.progressIn]: 'manifest-list', [summaryKeys.progressSha256]: sha })
  const { [summaryKeys.progress]: _inline, ...summary } = snapshot.summary
  const metadata = tableWith([{ ...snapshot, summary }])

  test('is read from there', async () => {
    expect((await find(metadata, () => listWith({ [summaryKeys.progress]: text }))).progress).toEqual(decided([0, 9]))
  })

  test('stops the table where the list can not be read', async () => {
    expect(await stopOf(metadata)).toBe('the progress of snapshot 1 lies in memory:/list-1.avro, which can not be read. Restore that file')
  })

  test('stops the table where what goes with it, starts perhaps, is there and can not be read', async () => {
    const newest = ours(1, null, decided([0, 9]), { [summaryKeys.version]: '3' })
    expect(await stopOf(tableWith([newest]))).toMatch(/^what goes with the progress of snapshot 1 lies in memory:\/list-1\.avro/)
    expect(await find(tableWith([ours(1, null, decided([0, 9]))]))).toMatchObject({ progress: decided([0, 9]) })
  })

  test('stops the table where the list lacks it', async () => {
    expect(await stopOf(metadata, () => listWith({}))).toMatch(/lies in memory:\/list-1\.avro, which can not be read/)
  })

  test('stops the table where it is not what the snapshot wrote', async () => {
    const other = listWith({ [summaryKeys.progress]: encodeProgress(decided([0, 8])) })
    expect(await stopOf(metadata, () => other)).toBe(
      'the progress in memory:/list-1.avro is not what snapshot 1 wrote (its SHA-256 differs). Restore that file',
    )
  })
})

describe('progress that can not be trusted stops the table', () => {
  test('of a newer format version', async () => {
    expect(await stopOf(tableWith([ours(1, null, decided(), { [summaryKeys.version]: '4' })]))).toBe(
      'snapshot 1 has progress of format version 4, and this program reads 1, 2 and 3; run the newer version',
    )
  })

  test('without a format version', async () => {
    const { [summaryKeys.version]: _version, ...summary } = ours(1, null, decided()).summary
    expect(await stopOf(tableWith([foreign(1, null, { summary })]))).toMatch(/format version none/)
  })

  test('that is no progress', async () => {
    expect(await stopOf(tableWith([ours(1, null, decided(), { [summaryKeys.progress]: '[1]' })]))).toBe(
      'progress of snapshot 1: expected an object',
    )
  })

  test('with frontiers that are none', async () => {
    const list = listWith({ [summaryKeys.frontiers]: '{"s": {"t": {"0": 5}}}' })
    expect(await stopOf(tableWith([ours(1, null, decided())]), () => list)).toMatch(/^frontiers of snapshot 1: a frontier is no/)
  })

  test('of a newer format version, as the copy in the properties says', async () => {
    const properties = { [summaryKeys.progress]: encodeProgress(decided()), [summaryKeys.version]: '4' }
    const newer = 'the properties have progress of format version 4, and this program reads 1, 2 and 3; run the newer version'
    expect(await stopOf(tableWith([foreign(9, 8)], { properties }))).toBe(newer)
    expect(await stopOf(tableWith([ours(1, null, decided())], { properties }))).toBe(newer)
  })

  test('in a property that can not be read', async () => {
    const properties = { [summaryKeys.progress]: 'no json' }
    expect(await stopOf(tableWith([foreign(9, 8)], { properties }))).toMatch(/^property kafscale\.processor\.progress is not JSON/)
    expect(await stopOf(tableWith([ours(1, null, decided())], { properties }))).toMatch(
      /^property kafscale\.processor\.progress is not JSON/,
    )
  })
})

describe('where history was cut off before one of ours is met', () => {
  const layout = { [summaryKeys.layout]: '{}' }
  const copy = { [summaryKeys.progress]: encodeProgress(decided([0, 5])) }

  test('the copy in the properties tells', async () => {
    expect(await find(tableWith([foreign(9, 8)], { properties: { ...layout, ...copy } }))).toMatchObject({
      snapshotId: 9n,
      progress: decided([0, 5]),
      newest: null,
      frontiers: new Map(),
    })
  })

  test('so does the copy of what was accepted, without which verify would report it again', async () => {
    const accepted = { [summaryKeys.accepted]: encodeProgress(decided([1, 3])) }
    expect(await find(tableWith([foreign(9, 8)], { properties: { ...layout, ...copy, ...accepted } }))).toMatchObject({
      progress: decided([0, 5]),
      accepted: decided([1, 3]),
    })
    const damaged = { [summaryKeys.accepted]: 'no json' }
    expect(await stopOf(tableWith([foreign(9, 8)], { properties: { ...layout, ...copy, ...damaged } }))).toMatch(
      /^property kafscale\.processor\.accepted is not JSON/,
    )
  })

  test('so does the copy of where tails begin, below which others may have history', async () => {
    const leftOut = { [summaryKeys.leftOut]: encodeProgress(decided([0, 3])) }
    expect(await find(tableWith([foreign(9, 8)], { properties: { ...layout, ...copy, ...leftOut } }))).toMatchObject({
      leftOut: decided([0, 3]),
    })
  })

  test('without a copy a table of ours is stopped, and the message says what helps', async () => {
    expect(await stopOf(tableWith([foreign(9, 8)], { properties: layout }))).toBe(
      'its history was expired back to before our newest snapshot, and no copy of the progress is in its properties, so what was materialized is not known. ' +
        '`recover --from-rows` shows what the rows tell; nothing is written before someone confirms it',
    )
  })

  test('a table that we never wrote begins from nothing', async () => {
    expect(await find(tableWith([foreign(9, 8)]))).toMatchObject({ progress: new Map(), snapshotId: 9n })
  })
})

describe('a rollback stops the table', () => {
  const before = ours(1, null, decided([0, 5]))
  const after = ours(2, 1, decided([0, 9]))

  test('to an older snapshot of ours, naming what would be materialized again', async () => {
    expect(await stopOf(tableWith([before, after], { current: 1 }))).toBe(
      'snapshot 2, which is no longer in its history, had materialized orders/0 [5, 9), and the table as it is now has not: it was rolled back or replaced. ' +
        'These offsets would be materialized again; if that is meant, run with --accept-rollback',
    )
  })

  test('and a commit of others on top of it', async () => {
    expect(await stopOf(tableWith([before, after, foreign(3, 1)]))).toMatch(/^snapshot 2, .* orders\/0 \[5, 9\)/)
  })

  test('and whoever replaced it may have kept its rows', async () => {
    expect(await stopOf(tableWith([before, after, foreign(3, null)]))).toMatch(
      /^snapshot 1, .* orders\/0 \[0, 5\), .*--accept-rollback\. If it has rows of the source, .*`recover --from-rows`/,
    )
  })

  test('to an empty table', async () => {
    expect(await stopOf(tableWith([before], { current: null }))).toMatch(/^snapshot 1, .* orders\/0 \[0, 5\)/)
  })

  test('to a table that only others wrote, where a copy in the properties tells', async () => {
    const properties = { [summaryKeys.progress]: encodeProgress(decided([0, 5])) }
    expect(await stopOf(tableWith([foreign(1, null)], { properties }))).toBe(
      'none of its snapshots carries our progress, but its properties say that we wrote it: it was replaced or rolled back. ' +
        'If it has rows of the source, as after CREATE OR REPLACE … AS SELECT, `recover --from-rows` shows what they tell and goes on from there; ' +
        'if it has none, and everything shall be materialized again, run with --accept-rollback',
    )
    expect(await stopOf(tableWith([], { properties }))).toMatch(/^none of its snapshots carries our progress/)
  })

  test('whose lost snapshot has been expired, by the copy in the properties', async () => {
    const properties = { [summaryKeys.progress]: encodeProgress(decided([0, 9])) }
    expect(await stopOf(tableWith([before], { properties }))).toMatch(/^we, as its properties say, had materialized orders\/0 \[5, 9\)/)
  })

  test('a branch of ours that has nothing more is no rollback', async () => {
    expect(await find(tableWith([before, ours(2, 1, decided([0, 5])), ours(3, 1, decided([0, 9]))]))).toMatchObject({
      snapshotId: 3n,
      progress: decided([0, 9]),
    })
  })
})

test('a commit is found by its id among the ancestors alone', () => {
  const metadata = tableWith([ours(1, null, decided()), foreign(2, 1), ours(3, 1, decided())], { current: 2 })
  expect([1, 3].map((id) => hasCommit(metadata, `commit-${id}`))).toEqual([true, false])
})
