import { describe, expect, test } from 'vitest'
import { DeleteIndex } from '../../../../src/pipeline/maintain/delete-index.ts'
import { planRewrites, type RewritePolicy } from '../../../../src/pipeline/maintain/plan-rewrites.ts'
import type { LiveDelete, LiveFile } from '../../../../src/pipeline/maintain/rewrite-flow.ts'
import { deletes, live } from './live.ts'

const mebibyte = 1024 * 1024
const by: RewritePolicy = { targetFileSizeBytes: 100 * mebibyte, isQuiet: () => false, maxBytes: Infinity }

function plan(files: readonly LiveFile[], policy: Partial<RewritePolicy> = {}, ...all: LiveDelete[]) {
  const index = new DeleteIndex([{ 'spec-id': 0, fields: [] }])
  for (const one of all) index.add(one)
  return planRewrites(files, index, 9n, { ...by, ...policy }, () => 3)
}

async function groups(...asked: Parameters<typeof plan>): Promise<string[]> {
  const { rewrites } = await plan(...asked)
  return rewrites.map(({ group }) => group.inputs.map((one) => one.live.file.filePath).join(' ')).toSorted()
}

/** Files of these sizes in MiB, in the order in which they came: `f0`, `f1`, … */
const sized = (...sizes: number[]) => sizes.map((size, i) => live(`f${i}`, size, { sequence: i + 1 }))

describe('what is rewritten', () => {
  test('small files are joined in the order in which they came, until they fill one', async () => {
    expect(await groups(sized(40, 40, 40, 74, 74))).toEqual(['f0 f1 f2', 'f3 f4'])
  })

  test('files near to the target are left as they are, and such that are far beyond it are cut', async () => {
    expect(await groups(sized(75, 100, 180, 181))).toEqual(['f3'])
  })

  test('what does not fill a file is joined where it comes near, or where there are five', async () => {
    expect(await groups(sized(40, 40))).toEqual(['f0 f1'])
    expect(await groups(sized(5, 5, 5, 5))).toEqual([])
    expect(await groups(sized(5, 5, 5, 5, 5))).toEqual(['f0 f1 f2 f3 f4'])
    expect(await groups(sized(74))).toEqual([])
  })

  test('a file larger than all the others together waits until they have grown', async () => {
    expect(await groups(sized(30, 1, 1, 1, 1))).toEqual([])
    expect(await groups(sized(30, 1, 1, 1, 1, 1))).toEqual(['f1 f2 f3 f4 f5'])
    expect(await groups(sized(10, 3, 3, 3, 3))).toEqual(['f0 f1 f2 f3 f4'])
  })

  test('a row is rewritten a few times, however often small files come', async () => {
    let files: LiveFile[] = []
    let rewritten = 0
    let sequence = 0
    for (let i = 0; i < 2000; i++) {
      files.push(live(`n${i}`, 1, { sequence: ++sequence }))
      if (i % 5 !== 0) continue
      const { rewrites } = await plan(files)
      for (const { group } of rewrites) {
        const size = group.inputs.reduce((sum, one) => sum + Number(one.live.file.fileSizeInBytes), 0) / mebibyte
        files = [...files.filter((file) => !group.inputs.some((one) => one.live === file)), live(`r${i}`, size, { sequence: ++sequence })]
        rewritten += size
      }
    }
    expect(rewritten / 2000).toBeLessThan(7)
    expect(files.length).toBeLessThan(3 * 20)
  })

  test('of a day that gets a file a minute there are few files all day long, where the files of the last ten minutes are left alone', async () => {
    const dayMinutes = 1440
    let files: LiveFile[] = []
    let [rewritten, seen, most] = [0, 0, 0]
    for (let minute = 1; minute <= dayMinutes; minute++) {
      files.push(live(`n${minute}`, 1, { sequence: minute }))
      if (minute % 10 === 0) {
        const { rewrites } = await plan(files, { isQuiet: ({ sequenceNumber }) => minute - Number(sequenceNumber) < 10 })
        for (const { group } of rewrites) {
          const inputs = new Set(group.inputs.map((one) => one.live))
          const size = [...inputs].reduce((sum, { file }) => sum + Number(file.fileSizeInBytes), 0) / mebibyte
          // Its data sequence number is that of the snapshot that it was planned on; it is not young again.
          files = [...files.filter((file) => !inputs.has(file)), live(`r${minute}-${rewritten}`, size, { sequence: minute - 10 })]
          rewritten += size
        }
      }
      seen += files.length
      most = Math.max(most, files.length)
    }
    expect(seen / dayMinutes).toBeLessThan(30)
    expect(most).toBeLessThan(50)
    expect(rewritten / dayMinutes).toBeLessThan(4)
  })

  test('files of different partitions and specs stay apart', async () => {
    const of = (path: string, specId: number, partition: readonly number[]) => live(path, 40, { specId, partition })
    const files = [of('a1', 1, [1]), of('b1', 1, [2]), of('a2', 1, [1]), of('b2', 1, [2]), of('c1', 2, [1]), of('c2', 2, [1])]
    expect(await groups(files)).toEqual(['a1 a2', 'b1 b2', 'c1 c2'])
  })

  test('other formats than Parquet are left alone', async () => {
    expect(await groups([live('a', 40), live('b', 40, { fileFormat: 'ORC' }), live('c', 40)])).toEqual(['a c'])
  })

  test('to be sorted, everything is rewritten that is not yet', async () => {
    expect(await groups(sized(100, 1, 1), { mustRewrite: () => true })).toEqual(['f0', 'f1 f2'])
    expect(await groups(sized(100, 1, 1), { mustRewrite: ({ file }) => file.filePath === 'f1' })).toEqual(['f1'])
  })
})

describe('deletes', () => {
  const full = live('f', 100)

  test('of a tenth of a file’s rows make it worth a rewrite, and go along with it', async () => {
    const vector = (rows: bigint) => deletes('v', { referencedDataFile: 'f', recordCount: rows, fileFormat: 'PUFFIN', contentOffset: 4n })
    expect(await groups([full], {}, vector(99n))).toEqual([])
    const { rewrites } = await plan([full], {}, vector(100n))
    expect(rewrites).toMatchObject([{ group: { inputs: [{ deletes: [{ file: { filePath: 'v' } }] }], sequenceNumber: 9n } }])
  })

  test('by equality, or ten files of them, make it worth a rewrite', async () => {
    expect(await groups([full], {}, deletes('e', { content: 2 }))).toEqual(['f'])
    const shared = Array.from({ length: 10 }, (_, i) => deletes(`d${i}`))
    expect(await groups([full], {}, ...shared.slice(1))).toEqual([])
    expect(await groups([full], {}, ...shared)).toEqual(['f'])
    expect(await groups([full], { deleteFileThreshold: 2 }, shared[0])).toEqual([])
    expect(await groups([full], { deleteFileThreshold: 1 }, shared[0])).toEqual(['f'])
    expect(await groups([full], { deleteFileThreshold: 1 })).toEqual([])
  })

  test('apply to whatever is joined for its size', async () => {
    const { rewrites } = await plan(sized(50, 50), {}, deletes('d', { sequence: 1 }))
    expect(rewrites[0].group.inputs.map((one) => one.deletes.length)).toEqual([1, 0])
  })
})

describe('what is left for later', () => {
  test('is what the policy calls young', async () => {
    const isQuiet = ({ sequenceNumber }: LiveFile) => sequenceNumber > 3n
    const planned = await plan(sized(40, 40, 40, 40, 100), { isQuiet })
    expect(planned).toMatchObject({ files: 5, wanting: 4, quiet: 1, rewrites: [{ cost: { inputFiles: 3 } }] })
  })

  test('is what goes beyond the bytes, what takes the most files out first', async () => {
    const of = (path: string, size: number, partition: number) => live(path, size, { partition: [partition] })
    const files = [of('a1', 50, 1), of('a2', 50, 1), ...Array.from({ length: 20 }, (_, i) => of(`b${i}`, 5, 2))]
    const planned = await plan(files, { maxBytes: 150 * mebibyte })
    expect(planned).toMatchObject({ cost: { inputFiles: 20, outputFiles: 1 }, postponed: { inputFiles: 2, inputBytes: 100 * mebibyte } })
    expect((await plan(files, { maxBytes: 1 })).cost.inputFiles).toBe(20)
  })
})

test('the same inputs with the same deletes have the same id, whenever they are planned', async () => {
  const files = sized(50, 50)
  const id = async (...asked: Parameters<typeof plan>) => (await plan(...asked)).rewrites[0].id
  const first = await id(files)
  expect(await id(files.toReversed())).toBe(first)
  expect(await id([...files, live('g', 100)])).toBe(first)
  expect(await id(files, {}, deletes('d'))).not.toBe(first)
  expect(await id([...files.slice(1), live('g', 60)])).not.toBe(first)
})

test('the cost counts files, bytes and requests', async () => {
  const { cost } = await plan(sized(50, 50), {}, deletes('d', { fileSizeInBytes: 7n }))
  expect(cost).toEqual({
    inputFiles: 2,
    inputBytes: 100 * mebibyte,
    deleteFiles: 1,
    deleteBytes: 7,
    outputFiles: 1,
    gets: 7,
    puts: 15,
    spilledFiles: 0,
    spilledBytes: 0,
  })
})
