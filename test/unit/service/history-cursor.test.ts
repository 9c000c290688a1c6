import { expect, test } from 'vitest'
import { HistoryCursor } from '../../../src/service/backfill/history-cursor.ts'
import type { ObjectStore } from '../../../src/seams/object-store.ts'
import { at, batch } from './segments.ts'
import { world, type World } from './world.ts'

/** The base offsets of what a cursor takes, step after step, where each segment has one record. */
async function taken(w: World, wanted: readonly (readonly [bigint, bigint])[], newestFirst: boolean, store: ObjectStore = w.source) {
  const cursor = new HistoryCursor(at, wanted, newestFirst, null, { store, prefix: 'p/', graceMs: 0 })
  const found: number[] = []
  while (!cursor.isOver) {
    for (const { segments } of await cursor.step(1)) found.push(...segments.map(({ baseOffset }) => Number(baseOffset)))
  }
  return found
}

async function filled(segments: number): Promise<World> {
  const w = world()
  for (let i = 0n; i < segments; i++) await w.write(at, i, [batch(i, 1)])
  await w.clock.advanceBy(60_000)
  return w
}

/** The same, of which a listing says other sizes. */
function sized({ source }: World, size: number): ObjectStore {
  return {
    ...source,
    async *list(query) {
      for await (const page of source.list(query)) yield { ...page, objects: page.objects.map((one) => ({ ...one, size })) }
    },
  }
}

const from = (start: number, end: number) => Array.from({ length: end - start }, (_, i) => start + i)

test('the newest come first in blocks, each in its order and with the segment before it', async () => {
  const w = await filled(4100)
  const wanted = [[0n, 4100n]] as const
  expect(await taken(w, wanted, false)).toEqual(from(0, 4100))
  expect(await taken(w, wanted, true)).toEqual([...from(3998, 4100), ...from(1998, 3999), ...from(0, 1999)])
  // Only what is wanted.
  expect(
    await taken(
      w,
      [
        [500n, 600n],
        [3000n, 4000n],
      ] as const,
      true,
    ),
  ).toEqual([...from(499, 600), ...from(2999, 4000)])
})

test('where segments are large a block is of fewer, and never of so few that the requests beside them count', async () => {
  const w = await filled(350)
  const wanted = [[0n, 350n]] as const
  const mebibyte = 1024 ** 2
  expect((await taken(w, wanted, true, sized(w, 64 * mebibyte))).slice(0, 52)).toEqual(from(298, 350))
  expect((await taken(w, wanted, true, sized(w, 5 * mebibyte))).slice(0, 145)).toEqual(from(203, 348))
  expect(await taken(w, wanted, true, sized(w, mebibyte))).toEqual(from(0, 350))
})
