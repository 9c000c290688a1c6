import { expect, test } from 'vitest'
import { segmentKey } from '../../../src/formats/kfs/segment-key.ts'
import { offsetAtTime } from '../../../src/pipeline/plan/offset-at-time.ts'
import { segmentBefore } from '../../../src/pipeline/plan/segment-before.ts'
import { at, batch, writtenMs } from './segments.ts'
import { verify } from './verifying.ts'
import { rowsOf, world } from './world.ts'

test.each(['backup/', 'until/monday/'])('segments that somebody keeps in %s below a partition are none of its own', async (folder) => {
  const own = world()
  for (const base of [10n, 20n]) await own.write(at, base, [batch(base, 10)])
  // Others have what lies before, between and behind them, and one has the same offsets with other bytes.
  for (const base of [0n, 20n, 500n]) {
    const other = world()
    await other.write(at, base, [batch(base, 7)])
    for (const extension of ['index', 'kfs'] as const) {
      const key = segmentKey('p/', at, base, extension)
      const name = key.slice(key.lastIndexOf('/') + 1)
      await own.source.put(`p/${at.topic}/${at.partition}/${folder}${name}`, [await other.source.get(key)])
    }
  }
  await own.clock.advanceBy(60_000)
  expect(await own.runOnce()).toBe(true)
  expect(await own.runOnce()).toBe(true)
  expect(await own.rows(at.topic)).toEqual(rowsOf(at, 10, 30))
  expect([...own.linesOf('warn'), ...own.linesOf('error')]).toEqual([])
  const { findings, facts, counts } = await verify(own)
  expect({ findings, facts, segments: counts.segments }).toEqual({ findings: [], facts: [], segments: 2 })
  expect(await segmentBefore(own.source, 'p/', at, 600n)).toBe(20n)
  expect(await offsetAtTime(own.source, 'p/', at, writtenMs + 86_400_000, 1 << 20)).toEqual({ offset: 30n, first: 10n })
})
