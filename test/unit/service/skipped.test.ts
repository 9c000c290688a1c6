import { describe, expect, test } from 'vitest'
import { readManifestList } from '../../../src/formats/iceberg/manifest-list.ts'
import { currentSnapshot } from '../../../src/formats/iceberg/table-metadata.ts'
import { decidedRanges } from '../../../src/model/progress.ts'
import { summaryKeys } from '../../../src/pipeline/commit/summary-keys.ts'
import { findTableState } from '../../../src/pipeline/commit/table-state.ts'
import { commitForeign } from './foreign-commit.ts'
import { fileOf, forget, run, runSkipping, takeSegment, withWrongCrc, write } from './forging.ts'
import { at, batch } from './segments.ts'
import { verify } from './verifying.ts'
import { sourceId, type World, world } from './world.ts'

const skipping = (document: { spec: { mappings: { onError?: string }[] } }) => void (document.spec.mappings[0].onError = 'skip')

/** Segments of ten records; of the second, the offsets from 14 on were skipped as unreadable. The rows of the first are gone, and its bytes are damaged now. */
async function withLossAndSkip(): Promise<{ own: World; by: bigint; damaged: string }> {
  const own = world()
  await write(own, 0, 0n, 10)
  await runSkipping(own)
  await own.write(at, 10n, withWrongCrc(10n, 10))
  await write(own, 0, 20n, 10)
  await own.clock.advanceBy(60_000)
  await runSkipping(own)
  const first = await fileOf(own, 1)
  const by = await commitForeign(own, at.topic, { remove: [first.filePath] })
  return { own, by, damaged: await own.write(at, 0n, withWrongCrc(0n, 10)) }
}

describe('offsets without a row, of segments that can not be read', () => {
  test.each([
    ['stop', undefined],
    ['skip', skipping],
  ])('are missing where they were not skipped, whatever the document says now: %s', async (_onError, change) => {
    const { own, by, damaged } = await withLossAndSkip()
    for (const options of [{}, { exact: true }]) {
      const { findings, facts, counts } = await verify(own, options, change as never)
      expect(findings.filter(({ kind }) => kind === 'missing')).toMatchObject([{ start: 0n, end: 10n, snapshot: by }])
      expect(facts.filter(({ key }) => key === damaged)).toMatchObject([{ kind: 'damaged', start: 4n, end: 10n }])
      expect(counts.skipped).toBe(6n)
    }
  })

  test('are known as skipped after commits that skip nothing', async () => {
    const own = world()
    await own.write(at, 0n, withWrongCrc(0n, 10))
    await write(own, 0, 10n, 10)
    await own.clock.advanceBy(60_000)
    await runSkipping(own)
    await write(own, 0, 20n, 10)
    await run(own)
    expect(await verify(own)).toMatchObject({ findings: [], counts: { skipped: 6n, rows: 24n } })
  })

  test('are known as skipped where the log goes on at another place, and beside one that was restarted', async () => {
    const own = world()
    const other = { ...at, partition: 1 }
    await own.write(other, 0n, withWrongCrc(0n, 10))
    await write(own, 1, 10n, 10)
    await own.write(other, 20n, [batch(20n, 2, { attributes: 48 })])
    for (const start of [0n, 10n]) await write(own, 0, start, 10)
    await own.clock.advanceBy(60_000)
    await runSkipping(own)
    await own.clock.advanceBy(3_600_000)
    for (const base of [0n, 10n]) await takeSegment(own, 0, base)
    await write(own, 0, 0n, 5)
    await own.clock.advanceBy(60_000)
    expect(await own.runOnce(undefined, { sourceRestarted: true })).toBe(true)
    expect(await verify(own)).toMatchObject({ findings: [], counts: { skipped: 6n } })
    const moved = 's3://elsewhere/p/'
    expect(await own.runOnce(undefined, { id: moved, sourceMoved: sourceId })).toBe(true)
    const { skipped, control } = await findTableState('orders', await own.table(at.topic), async (snapshot) =>
      readManifestList(await own.io.read(snapshot['manifest-list'])),
    )
    expect(decidedRanges(skipped!, `${moved}#2`, other)).toEqual([[4n, 10n]])
    expect(decidedRanges(control, `${moved}#2`, other)).toEqual([[20n, 22n]])
  })

  test('are as the document has it, of a table that an older program wrote', async () => {
    const { own } = await withLossAndSkip()
    const newest = await forget(own, summaryKeys.skipped)
    expect(currentSnapshot(await own.table(at.topic))!['snapshot-id']).not.toBe(newest)
    const missing = async (change?: never) => (await verify(own, {}, change)).findings.filter(({ kind }) => kind === 'missing')
    expect(await missing()).toMatchObject([
      { start: 0n, end: 10n },
      { start: 14n, end: 20n },
    ])
    expect(await missing(skipping as never)).toMatchObject([{ start: 0n, end: 4n }])
  })
})
