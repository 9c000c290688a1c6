import { expect, test } from 'vitest'
import { maxFindings } from '../../../src/pipeline/verify/findings.ts'
import { commitForeign, liveEntries, positionDeletes } from './foreign-commit.ts'
import { at, batch } from './segments.ts'
import { verify } from './verifying.ts'
import { type World, world } from './world.ts'

const perSegment = 30_000

/** Segments of so many rows, a file each, of which `isDeleted` takes rows out by their offset. */
async function withDeletes(segments: number, isDeleted: (offset: number) => boolean): Promise<{ own: World; by: bigint }> {
  const own = world()
  for (let i = 0; i < segments; i++) {
    await own.write(at, BigInt(i * perSegment), [batch(BigInt(i * perSegment), perSegment)])
    await own.runOnce()
  }
  const files = (await liveEntries(own, at.topic)).toSorted((a, b) => Number(a.fileSequenceNumber! - b.fileSequenceNumber!))
  const deletes = []
  for (const [i, { dataFile }] of files.entries()) {
    const positions = Array.from({ length: perSegment }, (_, n) => n).filter((n) => isDeleted(i * perSegment + n))
    if (positions.length > 0) deletes.push(await positionDeletes(own, dataFile.filePath, positions))
  }
  return { own, by: await commitForeign(own, at.topic, { deletes }) }
}

test('of a table that is judged in parts are those of the whole: each segment once, and what goes over an edge is one', async () => {
  // Every second row, and all around where the second segment begins.
  const isDeleted = (offset: number) => offset % 2 === 1 || (offset >= perSegment - 4 && offset < perSegment + 4)
  const { own, by } = await withDeletes(3, isDeleted)
  const { findings, counts, unlisted, facts } = await verify(own)
  const all = Array.from({ length: 3 * perSegment }, (_, offset) => offset).filter(isDeleted)
  expect(findings.reduce((sum, { start, end }) => sum + Number(end - start), 0)).toBe(all.length)
  expect(findings.every(({ kind, snapshot }) => kind === 'missing' && snapshot === by)).toBe(true)
  expect(findings).toContainEqual(expect.objectContaining({ start: BigInt(perSegment - 5), end: BigInt(perSegment + 4) }))
  expect({ segments: counts.segments, rows: counts.rows, unlisted, facts }).toEqual({
    segments: 3,
    rows: BigInt(3 * perSegment - all.length),
    unlisted: 0,
    facts: [],
  })
})

test('beyond what is kept are counted, and nothing is noted of them', { timeout: 60_000 }, async () => {
  const { own, by } = await withDeletes(7, (offset) => offset % 2 === 1)
  const snapshots = (await own.table(at.topic)).snapshots!.length
  const { findings, unlisted, problem } = await verify(own, { accept: by })
  expect([findings.length, findings.length + unlisted]).toEqual([maxFindings, (7 * perSegment) / 2])
  expect(problem).toMatch(/^table analytics.orders: nothing was noted, since there are more than 100000 findings/)
  expect((await own.table(at.topic)).snapshots).toHaveLength(snapshots)
  const part = { topic: at.topic, partitions: null, from: { offset: 0n }, to: { offset: 100n } }
  expect(await verify(own, { retract: 'commit', scope: part })).toMatchObject({ retraction: { offsets: 50n, done: true }, unlisted: 0 })
})
