import { describe, expect, test } from 'vitest'
import { everything, type Scope } from '../../../src/pipeline/verify/scope.ts'
import { commitForeign, liveEntries } from './foreign-commit.ts'
import { takeSegment } from './forging.ts'
import { at, batch, record } from './segments.ts'
import { verify } from './verifying.ts'
import { world, type World } from './world.ts'

const other = { ...at, partition: 1 }

/** Two partitions of four files with ten rows each; the rows [10, 20) of both were removed. */
async function withLosses(): Promise<World> {
  const own = world()
  for (const place of [at, other]) {
    for (const start of [0n, 10n, 20n, 30n]) {
      // A second later, each.
      const records = Array.from({ length: 10 }, () => record('x', { timestampMs: 1000n + start * 100n }))
      await own.write(place, start, [batch(start, records)])
      await own.runOnce()
    }
  }
  const lost = (await liveEntries(own, at.topic)).filter(({ fileSequenceNumber }) => [2n, 6n].includes(fileSequenceNumber!))
  await commitForeign(own, at.topic, { remove: lost.map(({ dataFile }) => dataFile.filePath) })
  return own
}

const found = async (own: World, scope: Partial<Scope>) => {
  const { findings, counts, reading, problem } = await verify(own, { scope: { ...everything, ...scope } })
  expect(problem).toBeNull()
  return {
    findings: findings.map(({ kind, partition, start, end }) => `${kind} ${partition} [${start}, ${end})`),
    decided: counts.decided,
    segments: counts.segments,
    reading,
  }
}

describe('what is looked at', () => {
  test('is one partition, and no file of another', async () => {
    const own = await withLosses()
    expect(await found(own, { topic: 'orders', partitions: [1] })).toMatchObject({
      findings: ['missing 1 [10, 20)'],
      decided: 40n,
      segments: 4,
      reading: { files: 3, partitions: 1, requests: { get: 3, list: 1 } },
    })
  })

  test('is a range of offsets, cut from what is missing, with the segments that may reach into it', async () => {
    const own = await withLosses()
    expect(await found(own, { topic: 'orders', partitions: [0], from: { offset: 15n }, to: { offset: 25n } })).toMatchObject({
      findings: ['missing 0 [15, 20)'],
      decided: 10n,
      reading: { files: 1 },
    })
    expect(await found(own, { topic: 'orders', partitions: [0], from: { offset: 20n }, to: { offset: 40n } })).toMatchObject({
      findings: [],
      segments: 2,
    })
  })

  test('is a range of times, in each topic-partition', async () => {
    const own = await withLosses()
    const between = (from: number, to: number) => found(own, { from: { timeMs: from }, to: { timeMs: to } })
    expect(await between(2000, 3000)).toMatchObject({ findings: ['missing 0 [10, 20)', 'missing 1 [10, 20)'], decided: 20n })
    expect(await between(2001, 4000)).toMatchObject({ findings: [], decided: 20n })
    expect(await found(own, { from: { timeMs: 4000 } })).toMatchObject({ findings: [], decided: 20n })
    expect(await found(own, { to: { timeMs: 1000 } })).toMatchObject({ findings: [], decided: 0n })
    expect(await found(own, { topic: 'orders', from: { offset: 15n }, to: { timeMs: 3000 } })).toMatchObject({ decided: 10n })
  })

  test('is not, by times, what no segment tells the time of any more, and that is said', async () => {
    const own = await withLosses()
    const notes = async (scope: Partial<Scope>) => (await verify(own, { scope: { ...everything, ...scope } })).notes
    for (const start of [0n, 10n]) await takeSegment(own, 0, start)
    // Of what came before it is known that it was older than what is.
    expect(await notes({ from: { timeMs: 3500 } })).toEqual([])
    expect(await notes({ from: { timeMs: 1500 } })).toEqual([
      expect.stringContaining('the times of orders/0 before offset 20: not looked at'),
    ])
    expect(await found(own, { from: { timeMs: 1500 } })).toMatchObject({ findings: ['missing 1 [10, 20)'] })
    for (const start of [20n, 30n]) await takeSegment(own, 0, start)
    const without = [expect.stringContaining('the times of orders/0: not looked at')]
    expect(await notes({ from: { timeMs: 1500 } })).toEqual(without)
    expect(await notes({ to: { timeMs: 9000 } })).toEqual(without)
    expect(await notes({ topic: 'orders', partitions: [0], from: { offset: 5n } })).toEqual([])
    expect(await found(own, { topic: 'orders', partitions: [0], from: { offset: 5n } })).toMatchObject({ findings: ['missing 0 [10, 20)'] })
  })

  test('is nothing of a topic that is not there', async () => {
    const own = await withLosses()
    expect(await found(own, { topic: 'payments' })).toMatchObject({ findings: [], decided: 0n, reading: { files: 0, partitions: 0 } })
  })
})

describe('what nobody can undo', () => {
  test('is told of with its place: a segment without an index, and one that reaches into the next', async () => {
    const own = world()
    await own.write(at, 0n, [batch(0n, 10)])
    await own.write(at, 10n, [batch(10n, 10)], ['kfs'])
    await own.write(at, 20n, [batch(20n, 10)])
    await own.write(at, 25n, [batch(25n, 10)])
    await own.clock.run(() => own.clock.sleep(60_000))
    await own.runOnce()
    const { facts, findings } = await verify(own)
    expect(facts.map(({ kind, key, start, end }) => `${kind} ${key.slice(-12)} [${start}, ${end})`)).toEqual([
      'without-index 00000010.kfs [10, 20)',
      'overlap 00000020.kfs [25, 30)',
    ])
    expect(findings).toMatchObject([{ kind: 'gap', start: 10n, end: 20n }])
  })
})
