import { expect, test } from 'vitest'
import { currentSnapshot } from '../../../src/formats/iceberg/table-metadata.ts'
import { commitForeign, positionDeletes } from './foreign-commit.ts'
import { fileOf, planOfAll, run, runSkipping, takeSegment, withWrongCrc, write } from './forging.ts'
import { at, batch } from './segments.ts'
import { verify } from './verifying.ts'
import { world, type World } from './world.ts'

async function found(own: World): Promise<string[]> {
  const { findings, problem } = await verify(own)
  expect(problem).toBeNull()
  return findings.map(({ kind, start, end, snapshot }) => `${kind} [${start}, ${end}) ${snapshot}`)
}

test('what was skipped stays counted as skipped once its segment is gone, and rows beside it that are gone are missing', async () => {
  const own = world()
  await own.write(at, 0n, withWrongCrc(0n, 10))
  await write(own, 0, 10n, 10)
  await own.clock.advanceBy(60_000)
  await runSkipping(own)
  await write(own, 0, 20n, 10)
  await run(own)
  const { counts } = await verify(own)
  expect(counts.skipped).toBeGreaterThan(0n)
  expect(await found(own)).toEqual([])
  await takeSegment(own, at.partition, 0n)
  expect(await found(own)).toEqual([])
  expect((await verify(own)).counts).toMatchObject({ skipped: counts.skipped, control: 0n })
  const { filePath } = await fileOf(own, 1)
  const by = await commitForeign(own, at.topic, { deletes: [await positionDeletes(own, filePath, [1])] })
  expect(await found(own)).toEqual([`missing [1, 2) ${by}`])
})

/** Ten rows and two control records, and another segment; the first one's file came with the first snapshot. */
async function transactional(): Promise<World> {
  const own = world()
  await own.write(at, 0n, [batch(0n, 10), batch(10n, 2, { attributes: 48 })])
  await own.runOnce()
  await write(own, 0, 12n, 10)
  await own.runOnce()
  return own
}

test('control records of a segment that is gone are not missing where the file that decided them has all its rows', async () => {
  const own = await transactional()
  await takeSegment(own, at.partition, 0n)
  expect(await found(own)).toEqual([])
  expect((await verify(own)).counts).toMatchObject({ rows: 20n, decided: 22n, control: 2n })
  expect((await verify(own, { exact: true })).findings).toEqual([])
})

test('rows of a segment that is gone are missing with the file that had them, and with what deletes took out of it', async () => {
  const own = await transactional()
  await takeSegment(own, at.partition, 0n)
  const { filePath } = await fileOf(own, 1)
  const by = await commitForeign(own, at.topic, { deletes: [await positionDeletes(own, filePath, [4])] })
  expect(await found(own)).toEqual([`missing [4, 5) ${by}`])
  const rest = await commitForeign(own, at.topic, { remove: [filePath] })
  expect(await found(own)).toEqual([`missing [0, 4) ${rest}`, `missing [4, 5) ${by}`, `missing [5, 10) ${rest}`, 'missing [10, 12) null'])
  expect((await verify(own)).notes).toEqual([expect.stringContaining('of 2 of the missing offsets the segment is gone')])
})

test('a file that was rewritten, or is one of several of sorted rows, does not tell control records from lost rows', async () => {
  const own = await transactional()
  await takeSegment(own, at.partition, 0n)
  const { filePath } = await fileOf(own, 1)
  const copied = async () => {
    const path = `${filePath}.${own.seams.entropy.uuid()}`
    await own.io.write(path, [await own.io.read(filePath)])
    return path
  }
  const { rewriter, group } = await planOfAll(own)
  const input = group.inputs.find(({ live }) => live.file.filePath === filePath)!
  const rewritten = { ...input.live.file, filePath: await copied() }
  const result = { group: { ...group, inputs: [input] }, files: [rewritten], rowsRead: 10n, rowsDeleted: 0n }
  expect(await rewriter.replace([result], own.clock.now())).toMatchObject({ refused: [] })
  expect(await found(own)).toEqual(['missing [10, 12) null'])
  const sorted = { ...rewritten, filePath: await copied(), sortOrderId: 3 }
  await commitForeign(own, at.topic, { remove: [rewritten.filePath], add: [sorted] })
  expect(await found(own)).toEqual(['missing [10, 12) null'])
  expect((await verify(own)).notes).toEqual([expect.stringMatching(/--retract --yes makes gaps of them, which --accept takes$/)])

  // What the note says can be done.
  expect((await verify(own, { retract: 'commit' })).retraction).toEqual({ offsets: 2n, done: true })
  expect(await found(own)).toEqual(['gap [10, 12) null'])
  const ours = currentSnapshot(await own.table(at.topic))!['snapshot-id']
  expect((await verify(own, { accept: ours })).newlyAccepted).toBe(2n)
  expect(await found(own)).toEqual([])
})

test('a table of whose topic no segment is left is set against what was decided, and it is said that none is left', async () => {
  const own = world()
  for (const start of [0, 10, 20]) {
    await write(own, 0, BigInt(start), 10)
    await own.runOnce()
  }
  for await (const { objects } of own.source.list({ prefix: 'p/' })) for (const { key } of objects) await own.source.remove(key)
  expect(await found(own)).toEqual([])
  const { filePath } = await fileOf(own, 2)
  const by = await commitForeign(own, at.topic, { remove: [filePath] })
  expect(await found(own)).toEqual([`missing [10, 20) ${by}`])
  const { facts, counts } = await verify(own)
  expect(facts).toEqual([{ kind: 'gone', ...at, key: 'p/orders/0/', start: 0n, end: 30n }])
  expect(counts).toMatchObject({ rows: 20n, decided: 30n, segments: 0 })
  const kept = await fileOf(own, 1)
  const twice = `${kept.filePath}.twice`
  await own.io.write(twice, [await own.io.read(kept.filePath)])
  const added = await commitForeign(own, at.topic, { add: [{ ...kept, filePath: twice }] })
  expect(await found(own)).toEqual([`duplicate [0, 10) ${added}`, `missing [10, 20) ${by}`])
})
