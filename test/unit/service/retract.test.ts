import { describe, expect, test } from 'vitest'
import { noProgress } from '../../../src/model/progress.ts'
import { findTableState } from '../../../src/pipeline/commit/table-state.ts'
import { readManifestList } from '../../../src/formats/iceberg/manifest-list.ts'
import { TableCommitter } from '../../../src/service/feed/committer.ts'
import { retract } from '../../../src/service/verify/offset-notes.ts'
import { commitForeign, liveEntries, rollBack } from './foreign-commit.ts'
import { at, batch } from './segments.ts'
import { verify } from './verifying.ts'
import { namespace, sourceId, world, type World } from './world.ts'

/** A table of three files with ten rows each, of which another writer has removed one. */
async function withLoss(file: number): Promise<{ own: World; by: bigint }> {
  const own = world()
  for (const start of [0n, 10n, 20n]) {
    await own.write(at, start, [batch(start, 10)])
    await own.runOnce()
  }
  const entry = (await liveEntries(own, at.topic)).find(({ fileSequenceNumber }) => fileSequenceNumber === BigInt(file + 1))!
  return { own, by: await commitForeign(own, at.topic, { remove: [entry.dataFile.filePath] }) }
}

const stateOf = async (own: World) =>
  findTableState('orders', await own.table(at.topic), async (snapshot) => readManifestList(await own.io.read(snapshot['manifest-list'])))

const decided = async (own: World) => (await stateOf(own)).progress.get(sourceId)?.get('orders')?.get(0)

const committerOf = async (own: World) =>
  new TableCommitter(sourceId, { namespace, name: at.topic }, 'tests', await own.table(at.topic), own.seams)

describe('retracting', () => {
  test('shows what is missing and changes nothing without a confirmation', async () => {
    const { own, by } = await withLoss(1)
    const snapshots = (await own.table(at.topic)).snapshots!.length
    const { findings, retraction } = await verify(own, { retract: 'dry' })
    expect(findings).toMatchObject([{ kind: 'missing', start: 10n, end: 20n, snapshot: by }])
    expect(retraction).toEqual({ offsets: 10n, done: false })
    expect((await own.table(at.topic)).snapshots).toHaveLength(snapshots)
  })

  test('takes what is missing out of the progress, so that it is a hole that has a segment', async () => {
    const { own } = await withLoss(1)
    expect(await verify(own, { retract: 'commit' })).toMatchObject({
      findings: [],
      retraction: { offsets: 10n, done: true },
      problem: null,
    })
    expect(await decided(own)).toEqual([
      [0n, 10n],
      [20n, 30n],
    ])
    expect((await verify(own)).findings).toMatchObject([{ kind: 'hole', start: 10n, end: 20n }])
  })

  test.each([
    [
      'at the beginning',
      0,
      [
        [0n, 0n],
        [10n, 30n],
      ],
      [0n, 10n],
    ],
    [
      'at the end',
      2,
      [
        [0n, 20n],
        [30n, 30n],
      ],
      [20n, 30n],
    ],
  ] as const)('leaves a mark %s, so that what was taken back is a hole there, too', async (_where, file, ranges, [start, end]) => {
    const { own } = await withLoss(file)
    await verify(own, { retract: 'commit' })
    expect(await decided(own)).toEqual(ranges)
    expect((await verify(own)).findings).toMatchObject([{ kind: 'hole', start, end }])
    // The tail goes on behind it as before.
    await own.write(at, 30n, [batch(30n, 5)])
    expect(await own.runOnce()).toBe(true)
    expect((await own.rows(at.topic)).length).toBe(25)
  })

  test('is no rollback to a process that saw the offsets decided', async () => {
    const { own } = await withLoss(1)
    const running = await committerOf(own)
    await own.clock.run(() => running.load())
    await verify(own, { retract: 'commit' })
    await expect(own.clock.run(() => running.load())).resolves.toBeDefined()
  })

  test('does not hide a rollback of what was decided again since', async () => {
    const { own } = await withLoss(1)
    await verify(own, { retract: 'commit' })
    const back = (await own.table(at.topic))['current-snapshot-id']!
    const refilled = await committerOf(own)
    await own.clock.run(() =>
      refilled.changeState(async (state) => ({
        ...state,
        progress: new Map([[sourceId, new Map([['orders', new Map([[0, [[0n, 30n] as const]]])]])]]),
      })),
    )
    expect((await stateOf(own)).retraction).toBeNull()
    await rollBack(own, back)
    await expect(stateOf(own)).rejects.toThrow('had materialized orders/0 [10, 20)')
  })

  test('does nothing where another writer has committed since the table was looked at', async () => {
    const { own, by } = await withLoss(1)
    await commitForeign(own, at.topic, {})
    const committer = await committerOf(own)
    await expect(own.clock.run(() => retract(committer, by, noProgress))).rejects.toThrow('another writer has committed after snapshot')
  })

  test('does nothing where data files are gone, which may come back', async () => {
    const { own } = await withLoss(1)
    const [{ dataFile }] = await liveEntries(own, at.topic)
    await own.warehouse.remove(dataFile.filePath.slice('s3://warehouse/'.length))
    expect((await verify(own, { retract: 'commit' })).problem).toContain('data files are gone')
  })
})
