import { expect, test } from 'vitest'
import { commitForeign, positionDeletes } from './foreign-commit.ts'
import { fileOf, run, runSkipping, withWrongCrc, write } from './forging.ts'
import { at } from './segments.ts'
import { verify } from './verifying.ts'
import { world, type World } from './world.ts'

/** What retention does: a segment goes, with its index. */
async function take(own: World, baseOffset: bigint): Promise<void> {
  const name = `p/${at.topic}/${at.partition}/segment-${`${baseOffset}`.padStart(20, '0')}`
  for (const end of ['kfs', 'index']) await own.source.remove(`${name}.${end}`)
}

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
  await take(own, 0n)
  expect(await found(own)).toEqual([])
  expect((await verify(own)).counts).toMatchObject({ skipped: counts.skipped, control: 0n })
  const { filePath } = await fileOf(own, 1)
  const by = await commitForeign(own, at.topic, { deletes: [await positionDeletes(own, filePath, [1])] })
  expect(await found(own)).toEqual([`missing [1, 2) ${by}`])
})
