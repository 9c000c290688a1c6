import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { TableVerification } from '../../../src/pipeline/verify/verification.ts'
import { planOfAll } from './forging.ts'
import { commitForeign, deletionVector, liveEntries, positionDeletes } from './foreign-commit.ts'
import { at, batch } from './segments.ts'
import { verify } from './verifying.ts'
import { sourceId, world, type World } from './world.ts'

const texts = ({ findings }: TableVerification) =>
  findings.map(({ kind, topic, partition, start, end, snapshot }) => `${kind} ${topic}/${partition} [${start}, ${end}) ${snapshot}`)

/** What both ways of verifying find, which must be the same. */
async function found(own: World): Promise<string[]> {
  const cheap = await verify(own)
  const exact = await verify(own, { exact: true })
  expect([cheap.problem, exact.problem]).toEqual([null, null])
  expect(texts(exact)).toEqual(texts(cheap))
  expect(exact.counts).toEqual({ ...cheap.counts, filesRead: cheap.counts.files })
  return texts(cheap)
}

/** A table of files with ten rows each. */
async function filled(files: number): Promise<World> {
  const own = world()
  for (let file = 0; file < files; file++) {
    await own.write(at, BigInt(file * 10), [batch(BigInt(file * 10), 10)])
    await own.runOnce()
  }
  return own
}

describe('a table set against its source', () => {
  test('that is as it was made is clean', async () => {
    const own = await filled(3)
    expect(await found(own)).toEqual([])
    expect((await verify(own)).counts).toMatchObject({ files: 3, filesRead: 0, segments: 3, rows: 30n, decided: 30n, others: 0n })
  })

  test('that does not exist yet has nothing wrong with it', async () => {
    const own = world()
    await own.write(at, 0n, [batch(0n, 10)])
    expect(await verify(own)).toMatchObject({ exists: false, findings: [], problem: null })
  })

  test('rows that position deletes take out are missing, with the snapshot that did it, also after a rewrite', async () => {
    const own = await filled(2)
    const [{ dataFile }] = (await liveEntries(own, at.topic)).filter((entry) => entry.fileSequenceNumber === 1n)
    const deletes = [await positionDeletes(own, dataFile.filePath, [3, 4, 7])]
    const by = await commitForeign(own, at.topic, { deletes })
    expect(await found(own)).toEqual([`missing orders/0 [3, 5) ${by}`, `missing orders/0 [7, 8) ${by}`])
    const rest = await commitForeign(own, at.topic, { remove: [dataFile.filePath] })
    expect(await found(own)).toEqual([
      `missing orders/0 [0, 3) ${rest}`,
      `missing orders/0 [3, 5) ${by}`,
      `missing orders/0 [5, 7) ${rest}`,
      `missing orders/0 [7, 8) ${by}`,
      `missing orders/0 [8, 10) ${rest}`,
    ])
  })

  test('rows that a snapshot of ours deletes and accepts as absent are counted, those that one of ours lost otherwise are missing', async () => {
    const own = await filled(3)
    const { rewriter, group } = await planOfAll(own)
    const [first, second, third] = group.inputs
    const absent = new Map([[first.live.file.filePath, [{ at, ranges: [[0n, 10n]] as const }]]])
    await rewriter.deleteFiles([first.live], absent)
    expect(await found(own)).toEqual([])
    expect((await verify(own)).counts).toMatchObject({ rows: 20n, removed: 10n, decided: 30n })
    const { state } = await rewriter.replace(
      [{ group: { ...group, inputs: [second] }, files: [], rowsRead: 10n, rowsDeleted: 10n }],
      own.clock.now(),
    )
    expect(await found(own)).toEqual([`missing orders/0 [10, 20) ${state.snapshotId}`])
    // Nothing was there twice.
    const loses = { group: { ...group, inputs: [third] }, files: [], rowsRead: 10n, rowsDeleted: 10n }
    const { state: after } = await rewriter.dropDuplicates([loses], own.clock.now(), state.snapshotId!)
    expect(await found(own)).toEqual([`missing orders/0 [10, 20) ${state.snapshotId}`, `missing orders/0 [20, 30) ${after.snapshotId}`])
  })

  test('rows that a deletion vector takes out are missing, those that were deleted before by their own snapshot', async () => {
    const own = await filled(2)
    const [{ dataFile }] = (await liveEntries(own, at.topic)).filter((entry) => entry.fileSequenceNumber === 1n)
    const first = await commitForeign(own, at.topic, { deletes: [await positionDeletes(own, dataFile.filePath, [3])] })
    const vector = await deletionVector(own, dataFile.filePath, [3, 7, 8])
    const second = await commitForeign(own, at.topic, { deletes: [vector], formatVersion: 3 })
    expect(await found(own)).toEqual([`missing orders/0 [3, 4) ${first}`, `missing orders/0 [7, 9) ${second}`])
    expect((await verify(own, { values: 'all' })).findings).toHaveLength(2)
    const rest = await commitForeign(own, at.topic, { remove: [dataFile.filePath], formatVersion: 3 })
    expect(await found(own)).toEqual([
      `missing orders/0 [0, 3) ${rest}`,
      `missing orders/0 [3, 4) ${first}`,
      `missing orders/0 [4, 7) ${rest}`,
      `missing orders/0 [7, 9) ${second}`,
      `missing orders/0 [9, 10) ${rest}`,
    ])
  })

  test('a deletion vector that is damaged, or has others than its entry says, leaves the table not judged', async () => {
    for (const [change, reason] of [
      [{ contentOffset: 5n }, 'it is no deletion vector'],
      [{ recordCount: 2n }, 'the deletion vector has more than the 2 positions that its manifest entry says'],
      [{ recordCount: 4n }, 'the deletion vector has 3 positions, and its manifest entry says 4'],
      [{ contentSizeInBytes: undefined }, 'its manifest entry does not say where it is'],
    ] as const) {
      const own = await filled(1)
      const [{ dataFile }] = await liveEntries(own, at.topic)
      const vector = { ...(await deletionVector(own, dataFile.filePath, [1, 2, 3])), ...change }
      await commitForeign(own, at.topic, { deletes: [vector], formatVersion: 3 })
      const { problem } = await verify(own)
      expect(problem).toContain(`the deletes in ${vector.filePath} can not be read: ${reason}`)
    }
  })

  test('of rows that many delete files take out, each is told with the first that did', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uniqueArray(fc.nat(9), { minLength: 1 }), { minLength: 1, maxLength: 6 }), async (commits) => {
        const own = await filled(1)
        const [{ dataFile }] = await liveEntries(own, at.topic)
        const by = new Map<number, bigint>()
        for (const positions of commits) {
          const snapshot = await commitForeign(own, at.topic, { deletes: [await positionDeletes(own, dataFile.filePath, positions)] })
          for (const position of positions) if (!by.has(position)) by.set(position, snapshot)
        }
        const { findings } = await verify(own, { exact: true })
        const told = findings.flatMap(({ start, end, snapshot }) =>
          Array.from({ length: Number(end - start) }, (_, i) => [Number(start) + i, snapshot]),
        )
        expect(new Map(told as [number, bigint][])).toEqual(by)
      }),
      { numRuns: 20 },
    )
  })

  test('deletes that can not be read leave the table not judged, and it is not clean', async () => {
    const own = await filled(1)
    const position = await positionDeletes(own, 's3://warehouse/x.parquet', [0])
    const by = await commitForeign(own, at.topic, { deletes: [{ ...position, fileFormat: 'AVRO' }] })
    expect((await verify(own)).problem).toContain(`snapshot ${by} wrote position deletes in AVRO`)
  })

  test('a file with other rows than its manifest entry says is altered', async () => {
    const own = await filled(2)
    const entry = (await liveEntries(own, at.topic)).find(({ fileSequenceNumber }) => fileSequenceNumber === 2n)!
    const by = await commitForeign(own, at.topic, { remove: [entry.dataFile.filePath], add: [{ ...entry.dataFile, recordCount: 9n }] })
    expect(await found(own)).toEqual([`altered orders/0 [10, 20) ${by}`])
  })

  test('a file whose rows are others than its metadata says is altered', async () => {
    const own = await filled(1)
    const other = world()
    await other.write(at, 100n, [batch(100n, 10)])
    await other.runOnce()
    const [mine] = await liveEntries(own, at.topic)
    const [strange] = await liveEntries(other, at.topic)
    const bytes = Buffer.from(await other.io.read(strange.dataFile.filePath))
    // The metadata of one file over the rows of another, which both have ten.
    const text = bytes.toString('latin1').replace('[[100,110]]', '[[0,   10]]')
    const shifted = Buffer.from(text, 'latin1')
    expect(shifted).toHaveLength(bytes.length)
    const path = `${mine.dataFile.filePath}.shifted`
    await own.io.write(path, [shifted])
    const by = await commitForeign(own, at.topic, {
      remove: [mine.dataFile.filePath],
      add: [{ ...strange.dataFile, filePath: path, fileSizeInBytes: BigInt(shifted.length) }],
    })
    const findings = await found(own)
    expect(findings).toContain(`altered orders/0 [100, 110) ${by}`)
    expect(findings.every((finding) => !finding.startsWith('missing') && !finding.startsWith('duplicate'))).toBe(true)
  })

  test('what is accepted is written into the table once, and stays accepted', async () => {
    const own = await filled(2)
    const [{ dataFile }] = await liveEntries(own, at.topic)
    const by = await commitForeign(own, at.topic, { remove: [dataFile.filePath] })
    expect(await found(own)).toHaveLength(1)
    expect(await verify(own, { accept: by })).toMatchObject({ findings: [], newlyAccepted: 10n })
    const snapshots = (await own.table(at.topic)).snapshots!.length
    expect(await verify(own, { accept: by })).toMatchObject({ findings: [], newlyAccepted: 0n, counts: { accepted: 10n } })
    expect((await own.table(at.topic)).snapshots).toHaveLength(snapshots)
    expect(await found(own)).toEqual([])
  })

  test('a rewritten last segment is found though no file tells of it', async () => {
    const own = world()
    await own.write(at, 0n, [batch(0n, 10)])
    await own.write(at, 10n, [batch(10n, 2, { attributes: 48 })])
    await own.runOnce()
    expect(await found(own)).toEqual([])
    expect((await verify(own)).counts).toMatchObject({ rows: 10n, decided: 12n, control: 2n })
    await own.write(at, 10n, [batch(10n, 2, { attributes: 48, producerId: 9n })])
    expect(await found(own)).toEqual(['rewritten orders/0 [10, 12) null'])
  })
})

/** A row in the model: which snapshot added it. */
type Model = Map<bigint, (bigint | null)[]>

test('exactly what was planted is found, wherever it is', async () => {
  const faultOf = fc.record({
    kind: fc.constantFrom('remove', 'register', 'rewrite', 'delete'),
    file: fc.nat(),
    rows: fc.array(fc.nat({ max: 9 }), { minLength: 1, maxLength: 4 }),
  })
  const lengths = fc.array(fc.integer({ min: 1, max: 10 }), { minLength: 2, maxLength: 5 })
  await fc.assert(
    fc.asyncProperty(lengths, fc.array(faultOf, { maxLength: 4 }), fc.nat(), async (sizes, faults, missing) => {
      const own = world()
      const gap = sizes.length > 2 ? 1 + (missing % (sizes.length - 2)) : null
      const starts = sizes.map((_, i) => BigInt(sizes.slice(0, i).reduce((sum, size) => sum + size, 0)))
      const rangeOf = (i: number) => `[${starts[i]}, ${starts[i] + BigInt(sizes[i])})`
      const model: Model = new Map()
      const removedBy = new Map<bigint, bigint>()
      const segmentOf = new Map<string, number>()
      for (const [i, size] of sizes.entries()) {
        if (i === gap) continue
        await own.write(at, starts[i], [batch(starts[i], size)])
        await own.runOnce()
        const path = (await liveEntries(own, at.topic)).map(({ dataFile }) => dataFile.filePath).find((one) => !segmentOf.has(one))!
        segmentOf.set(path, i)
        for (let row = 0n; row < size; row++) model.set(starts[i] + row, [null])
      }
      const rewritten = new Set<number>()
      for (const { kind, file, rows } of faults) {
        const live = (await liveEntries(own, at.topic)).filter(({ dataFile }) => dataFile.content === 0)
        if (live.length === 0) break
        const { dataFile } = live[file % live.length]
        const i = segmentOf.get(dataFile.filePath)!
        const offsets = Array.from({ length: sizes[i] }, (_, row) => starts[i] + BigInt(row))
        if (kind === 'rewrite') {
          rewritten.add(i)
          await own.write(at, starts[i], [batch(starts[i], sizes[i], { producerId: 5n })])
        } else if (kind === 'register') {
          const by = await commitForeign(own, at.topic, { add: [dataFile] })
          for (const offset of offsets) model.get(offset)!.push(by)
        } else {
          // Every entry of that path goes at once, and a delete applies to all that are not younger.
          const positions = kind === 'remove' ? offsets.map((_, row) => row) : [...new Set(rows)].filter((row) => row < sizes[i])
          if (positions.length === 0) continue
          const deletes = kind === 'remove' ? [] : [await positionDeletes(own, dataFile.filePath, positions)]
          const by = await commitForeign(own, at.topic, kind === 'remove' ? { remove: [dataFile.filePath] } : { deletes })
          for (const row of positions) {
            const offset = starts[i] + BigInt(row)
            if (model.get(offset)!.length > 0) removedBy.set(offset, by)
            model.set(offset, [])
          }
        }
      }
      // Of a segment whose rows are all gone nothing tells how it was, save of the last one.
      const live = new Set((await liveEntries(own, at.topic)).map(({ dataFile }) => segmentOf.get(dataFile.filePath)))
      const known = [...rewritten].filter((i) => live.has(i) || i === sizes.length - 1)
      const expected = [
        ...(gap === null ? [] : [`gap ${rangeOf(gap)} null`]),
        ...known.map((i) => `rewritten ${rangeOf(i)} null`),
        ...inRuns(
          [...model].filter(([, rows]) => rows.length === 0).map(([offset]) => [offset, `${removedBy.get(offset)}`]),
          'missing',
        ),
        ...inRuns(
          [...model].flatMap(([offset, rows]) => (rows.length > 1 ? rows.slice(1).map((by) => [offset, `${by}`] as const) : [])),
          'duplicate',
        ),
      ]
      const place = / orders\/0/
      expect((await found(own)).map((finding) => finding.replace(place, '')).sort()).toEqual(expected.sort())
    }),
    { numRuns: 60 },
  )
}, 120_000)

/** Offsets of one snapshot that follow one another, as one finding. */
function inRuns(offsets: readonly (readonly [offset: bigint, by: string])[], kind: string): string[] {
  const sorted = [...offsets].sort(([a, x], [b, y]) => (x === y ? Number(a - b) : x < y ? -1 : 1))
  const runs: { start: bigint; end: bigint; by: string }[] = []
  for (const [offset, by] of sorted) {
    const last = runs.at(-1)
    if (last?.by === by && last.end === offset) last.end++
    else runs.push({ start: offset, end: offset + 1n, by })
  }
  return runs.map(({ start, end, by }) => `${kind} [${start}, ${end}) ${by}`)
}

test('a table that knows nothing of the source is not just clean: a note says whose its rows are', async () => {
  const own = world()
  await own.write(at, 0n, [batch(0n, 3)])
  await own.clock.run(() => own.clock.sleep(60_000))
  const elsewhere = 's3://before/p/'
  expect(await own.runOnce(undefined, { id: elsewhere })).toBe(true)
  const { notes, counts } = await verify(own)
  expect(counts).toMatchObject({ rows: 0n, others: 3n })
  expect(notes).toEqual([
    `nothing was materialized from ${sourceId}, so none of its rows was judged: they are of ${elsewhere}. If the source has moved, run with --source-moved`,
  ])
  expect(await own.runOnce(undefined, { sourceMoved: elsewhere })).toBe(true)
  expect(await verify(own)).toMatchObject({ notes: [], counts: { rows: 3n, decided: 3n, others: 0n } })
})
