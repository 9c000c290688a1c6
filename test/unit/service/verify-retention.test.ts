import { expect, test } from 'vitest'
import { currentSnapshot } from '../../../src/formats/iceberg/table-metadata.ts'
import { commitForeign, positionDeletes } from './foreign-commit.ts'
import { summaryKeys } from '../../../src/pipeline/commit/summary-keys.ts'
import { fileOf, forget, planOfAll, run, runSkipping, takeSegment, withWrongCrc, write } from './forging.ts'
import { segmentKey } from '../../../src/formats/kfs/segment-key.ts'
import { WorkError } from '../../../src/model/failure.ts'
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

test('rows of a segment that is gone are missing with the file that had them, and with what deletes took out of it; control records are not', async () => {
  const own = await transactional()
  await takeSegment(own, at.partition, 0n)
  expect(await found(own)).toEqual([])
  const { filePath } = await fileOf(own, 1)
  const by = await commitForeign(own, at.topic, { deletes: [await positionDeletes(own, filePath, [4])] })
  expect(await found(own)).toEqual([`missing [4, 5) ${by}`])
  const rest = await commitForeign(own, at.topic, { remove: [filePath] })
  expect(await found(own)).toEqual([`missing [0, 4) ${rest}`, `missing [4, 5) ${by}`, `missing [5, 10) ${rest}`])
  expect(await verify(own)).toMatchObject({ counts: { control: 2n }, notes: [] })
})

test('control records are known without their segment: in files that were rewritten, sorted or none, and damaged', async () => {
  const own = await transactional()
  await own.write(at, 22n, [batch(22n, 2, { attributes: 48 })])
  await own.runOnce()
  await write(own, 0, 24n, 10)
  await own.runOnce()
  const torn = Uint8Array.from(batch(22n, 2, { attributes: 48 }))
  torn[torn.length - 1] ^= 1
  await own.write(at, 22n, [torn])
  await takeSegment(own, at.partition, 0n)
  expect(await verify(own)).toMatchObject({ findings: [], counts: { control: 4n }, facts: [{ kind: 'damaged', start: 22n, end: 24n }] })
  await takeSegment(own, at.partition, 22n)
  expect(await found(own)).toEqual([])
  for (const options of [{}, { exact: true }]) {
    expect((await verify(own, options)).counts).toMatchObject({ rows: 30n, decided: 34n, control: 4n, skipped: 0n })
  }
  const { rewriter, group } = await planOfAll(own)
  const inputs = group.inputs.filter(({ live }) => live.file.recordCount > 0n)
  const { filePath } = inputs[0].live.file
  const copy = `${filePath}.sorted`
  await own.io.write(copy, [await own.io.read(filePath)])
  const files = [{ ...inputs[0].live.file, filePath: copy, sortOrderId: 3 }]
  const result = { group: { ...group, inputs: inputs.slice(0, 1) }, files, rowsRead: 10n, rowsDeleted: 0n }
  expect(await rewriter.replace([result], own.clock.now())).toMatchObject({ refused: [] })
  expect(await found(own)).toEqual([])
  expect((await verify(own)).counts).toMatchObject({ rows: 30n, control: 4n })
})

test('control records that an older program decided are missing with their segment, and a note says what can be done', async () => {
  const own = await transactional()
  await takeSegment(own, at.partition, 0n)
  await forget(own, summaryKeys.control)
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

test('what an archive keeps is no gap, but a hole that can be filled, and what to do is said once for each segment', async () => {
  const own = world()
  for (const start of [0n, 20n]) await write(own, 0, start, 10)
  await run(own)
  await write(own, 0, 10n, 10)
  const archived = [0n, 10n].map((base) => segmentKey('p/', at, base, 'kfs'))
  const asked: string[] = []
  own.faults.store = (operation, key) => {
    if (operation !== 'get' || !archived.includes(key)) return undefined
    asked.push(key)
    return new WorkError('the object is archived: restore it', { retry: 'never' })
  }
  const told = { kind: 'unreadable', ...at, reason: 'the object is archived: restore it' }
  const late = { ...told, key: archived[1], start: 10n, end: 20n }
  expect(await verify(own)).toMatchObject({ findings: [{ kind: 'hole', start: 10n, end: 20n }], facts: [late], notes: [] })
  expect(asked).toEqual([archived[1]])
  const compared = await verify(own, { values: 'all' })
  expect(compared).toMatchObject({ findings: [{ kind: 'hole' }], counts: { compared: 10n } })
  expect(compared.facts).toHaveLength(2)
  expect(compared.facts).toEqual(expect.arrayContaining([late, { ...told, key: archived[0], start: 0n, end: 10n }]))
})
