import { describe, expect, test } from 'vitest'
import { segmentKey } from '../../../src/formats/kfs/segment-key.ts'
import { commitForeign, positionDeletes } from './foreign-commit.ts'
import { fileOf, forge, run, valueOf, write } from './forging.ts'
import { at, batch, record } from './segments.ts'
import { verify } from './verifying.ts'
import { type World, world } from './world.ts'

describe('values compared with what the segments give', () => {
  async function filled(): Promise<World> {
    const own = world()
    for (const start of [0n, 10n, 20n, 30n, 40n]) {
      await write(own, 0, start, 10)
      await run(own)
    }
    return own
  }

  test('are the same in a table as it was made', async () => {
    const { findings, counts, reading, problem } = await verify(await filled(), { values: 'all' })
    expect({ findings, problem }).toEqual({ findings: [], problem: null })
    expect([counts.compared, reading?.values?.segments]).toEqual([50n, 5])
  })

  test('are the same whatever the size of what a segment gives', async () => {
    const own = world()
    let start = 0n
    for (const length of [40, 200, 900, 2500, 6000]) {
      await write(own, 0, start, length)
      start += BigInt(length)
    }
    await run(own)
    const { findings, counts } = await verify(own, { values: 'all' })
    expect({ findings, compared: counts.compared }).toEqual({ findings: [], compared: start })
  })

  test('differ where one was changed, which no offset shows', async () => {
    const own = await filled()
    const file = await fileOf(own, 2)
    await forge(own, file.filePath, valueOf(13n), 'forged.000')
    expect((await verify(own, { exact: true })).findings).toEqual([])
    const [added] = (await own.table(at.topic)).snapshots!.slice(1, 2)
    expect((await verify(own, { values: 'all' })).findings).toMatchObject([
      { kind: 'differs', start: 13n, end: 14n, snapshot: added['snapshot-id'] },
    ])
  })

  test('can not be read where a page of them is damaged: its file is altered, and the others are compared', async () => {
    const own = await filled()
    const { filePath } = await fileOf(own, 2)
    const bytes = Buffer.from(await own.io.read(filePath))
    // The length that stands before a value, plain in its page.
    bytes.writeInt32LE(0x7fffffff, bytes.indexOf(valueOf(13n), 0, 'latin1') - 4)
    await own.io.write(filePath, [bytes])
    expect((await verify(own, { exact: true })).findings).toEqual([])
    const { findings, notes, problem, counts } = await verify(own, { values: 'all' })
    const [added] = (await own.table(at.topic)).snapshots!.slice(1, 2)
    expect(findings).toMatchObject([{ kind: 'altered', start: 10n, end: 20n, snapshot: added['snapshot-id'] }])
    expect({ problem, notes, compared: counts.compared }).toEqual({
      problem: null,
      notes: [expect.stringContaining(`data file ${filePath} can not be read: `)],
      compared: 40n,
    })
  })

  test('are the same whatever their types are', async () => {
    const own = world()
    const values = [
      {
        d: '12345678901234567890.123456789',
        t: '2026-01-02T03:04:05.678901Z',
        n: { a: 1, b: [null, 'x'] },
        m: { k: 1.5 },
        u: 9007199254740992,
      },
      { d: '-0.000000001', t: 'soon', n: null, m: {}, u: -1, more: true },
      { d: 5 },
    ]
    const texts = values.map((value) => JSON.stringify(value).replace('9007199254740992', '9007199254740993'))
    await own.write(at, 0n, [batch(0n, [...texts.map((text) => record(text)), record(null)])])
    const columns = [
      { name: 'd', type: 'decimal(38,9)' },
      { name: 't', type: 'timestamptz' },
      { name: 'n', type: 'struct<a: int, b: list<string>>' },
      { name: 'm', type: 'map<string, double>' },
      { name: 'u', type: 'long' },
    ]
    const mapping = { topic: '*', value: { format: 'json', columns } }
    await own.runOnce((document) => (document.spec.mappings = [mapping]))
    const { findings, counts, problem } = await verify(own, { values: 'all' }, (document) => (document.spec.mappings = [mapping]))
    expect({ findings, compared: counts.compared, problem }).toEqual({ findings: [], compared: 4n, problem: null })
  })

  test('of some segments are those of as many', async () => {
    const { counts, reading } = await verify(await filled(), { values: 2 })
    expect([counts.compared, reading?.values?.segments]).toEqual([20n, 2])
  })

  test('of rows that deletes take out are not looked at', async () => {
    const own = await filled()
    const file = await fileOf(own, 2)
    await forge(own, file.filePath, valueOf(13n), 'forged.000')
    await commitForeign(own, at.topic, { deletes: [await positionDeletes(own, file.filePath, [3])] })
    expect((await verify(own, { values: 'all' })).findings).toMatchObject([{ kind: 'missing', start: 13n, end: 14n }])
  })

  test('of a segment that is not sound are told of with the reason', async () => {
    const own = world()
    await write(own, 0, 0n, 10)
    const bad = batch(10n, 10)
    bad[70] ^= 1
    await own.write(at, 10n, [bad])
    await write(own, 0, 20n, 10)
    const skipping = (document: { spec: { mappings: { onError?: string }[] } }) => (document.spec.mappings[0].onError = 'skip')
    await own.clock.run(() => own.clock.sleep(60_000))
    await own.runOnce((document) => skipping(document as never))
    // Each way of verifying reads it: its offsets have no row.
    for (const options of [{}, { exact: true }, { values: 'all' }] as const) {
      const { facts, findings } = await verify(own, options)
      expect(findings).toEqual([])
      expect(facts).toMatchObject([{ kind: 'damaged', start: 10n, end: 20n, reason: expect.stringContaining('CRC') as string }])
    }
  })

  test('of a segment that is gone, or does not count any more, are not compared with its neighbour', async () => {
    const own = await filled()
    const key = (start: bigint, part: 'kfs' | 'index') => segmentKey('p/', at, start, part)
    for (const part of ['kfs', 'index'] as const) await own.source.remove(key(10n, part))
    for (const start of [30n, 40n]) await own.source.remove(key(start, 'index'))
    const { facts, findings, counts } = await verify(own, { values: 'all' })
    expect({ findings, compared: counts.compared }).toEqual({ findings: [], compared: 20n })
    expect(facts.map(({ kind, start, end }) => [kind, start, end])).toEqual([
      ['without-index', 30n, 40n],
      ['without-index', 40n, 50n],
    ])
  })
})
