import { expect, test } from 'vitest'
import type { DataFile } from '../../src/formats/iceberg/data-file.ts'
import { segmentKey } from '../../src/formats/kfs/segment-key.ts'
import { commitForeign, deletionVector, equalityDeletes, positionDeletes } from '../unit/service/foreign-commit.ts'
import { fileOf, forge, runSkipping, valueOf, withWrongCrc, write } from '../unit/service/forging.ts'
import { at } from '../unit/service/segments.ts'
import { verify } from '../unit/service/verifying.ts'
import { world } from '../unit/service/world.ts'

test('each fault that was planted in a table of a million rows is found, where it is, and no other', { timeout: 600_000 }, async () => {
  const own = world()
  const [partitions, rows, perSegment] = [21, 50_000, 10_000]
  for (let partition = 0; partition < partitions; partition++) {
    for (let start = 0; start < rows; start += perSegment) {
      // 7: two segments do not come in time. 8: a batch of one is damaged from the beginning, and the rest of that segment is skipped.
      if (partition === 7 && (start === 10_000 || start === 30_000)) continue
      if (partition === 8 && start === 20_000) await own.write({ ...at, partition }, 20_000n, withWrongCrc(20_000n, perSegment))
      else await write(own, partition, BigInt(start), perSegment)
    }
    await own.clock.run(() => own.clock.sleep(60_000))
    await runSkipping(own)
  }
  // What was never there is a gap, and is known. What could not be read is no finding.
  const gapsKnown = await verify(own, { accept: (await own.table(at.topic))['current-snapshot-id']! })
  expect(gapsKnown.newlyAccepted).toBe(20_000n)
  const clean = await verify(own)
  expect(clean.counts).toMatchObject({ rows: 1_024_000n, decided: 1_030_000n, skipped: 6000n, accepted: 20_000n, files: partitions })
  expect(clean.findings).toEqual([])

  const fileAt = (partition: number) => fileOf(own, partition + 1)
  const snapshots = (await own.table(at.topic)).snapshots!
  const addedBy = (partition: number) => snapshots[partition]['snapshot-id']
  // Partition 1: some rows, by delete files. 2: a file is registered again. 6: a whole file is removed.
  const some = Array.from({ length: 500 }, (_, i) => 12_000 + i)
  const byDeletes = await commitForeign(own, at.topic, { deletes: [await positionDeletes(own, (await fileAt(1)).filePath, some)] })
  const byRegistering = await commitForeign(own, at.topic, { add: [await fileAt(2)] })
  // 9: some rows by equality deletes, one half of which again, in vain.
  const keysOf = (from: number, count: number) => Array.from({ length: count }, (_, i) => [9, BigInt(from + i)])
  const equal = (from: number, count: number) => equalityDeletes(own, at.topic, ['kafka_partition', 'kafka_offset'], keysOf(from, count))
  const byEquality = await commitForeign(own, at.topic, { deletes: [await equal(1000, 2000)] })
  const byMoreEquality = await commitForeign(own, at.topic, { deletes: [await equal(2000, 1500)] })
  // 10 to 19: of every hundred rows thirty, by as many delete files for each file; and of the last file five more, by a deletion vector.
  const many = Array.from({ length: 10 }, (_, i) => 10 + i)
  const deletes: DataFile[] = []
  for (const partition of many) {
    const { filePath } = await fileAt(partition)
    for (let first = 0; first < 30; first++) {
      const positions = Array.from({ length: rows / 100 }, (_, i) => i * 100 + first)
      deletes.push(await positionDeletes(own, filePath, positions))
    }
  }
  const byMany = await commitForeign(own, at.topic, { deletes })
  const deleted = Array.from({ length: rows }, (_, i) => i).filter((i) => i % 100 < 30 || (i >= 40 && i < 45))
  const vector = await deletionVector(own, (await fileAt(19)).filePath, deleted)
  const byVector = await commitForeign(own, at.topic, { deletes: [vector], formatVersion: 3 })
  const byRemoving = await commitForeign(own, at.topic, { remove: [(await fileAt(6)).filePath] })
  // 3: one value. 4: a segment is written again. 5: offsets in a file are not those that it says. 7: a segment comes in late.
  // 0 and 20: the index of a segment goes, of one in the middle and of the last one.
  await forge(own, (await fileAt(3)).filePath, valueOf(23_456n), 'forged.000')
  await write(own, 4, 30_000n, perSegment - 1)
  await write(own, 7, 30_000n, perSegment)
  const withoutIndex = [
    segmentKey('p/', { ...at, partition: 0 }, 20_000n, 'kfs'),
    segmentKey('p/', { ...at, partition: 20 }, 40_000n, 'kfs'),
  ]
  for (const key of withoutIndex) await own.source.remove(key.replace('.kfs', '.index'))
  await forge(own, (await fileAt(5)).filePath, '[[20000,30000]]', '[[20001,30001]]')

  const offsets = [
    ['missing', 1, 12_000n, 12_500n, byDeletes],
    ['duplicate', 2, 0n, 50_000n, byRegistering],
    ['rewritten', 4, 30_000n, 40_000n, null],
    ['altered', 5, 0n, 50_000n, addedBy(5)],
    ['hole', 7, 30_000n, 40_000n, null],
    ['missing', 9, 1000n, 3000n, byEquality],
    ['missing', 9, 3000n, 3500n, byMoreEquality],
    ['missing', 6, 0n, 50_000n, byRemoving],
  ] as const
  const facts = [
    ['damaged', 8, 24_000n, 30_000n],
    ['without-index', 0, 20_000n, 30_000n],
    ['without-index', 20, 40_000n, 50_000n],
  ]
  const byDeleteFiles = many.flatMap((partition) => [
    ...Array.from({ length: rows / 100 }, (_, i) => ['missing', partition, BigInt(i * 100), BigInt(i * 100 + 30), byMany]),
    ...(partition === 19 ? [['missing', partition, 40n, 45n, byVector]] : []),
  ])
  const all = [...offsets.slice(0, 2), ['differs', 3, 23_456n, 23_457n, addedBy(3)], ...offsets.slice(2)]
  const found = async (options: Parameters<typeof verify>[1]) => {
    const { findings, problem, facts: told } = await verify(own, options)
    expect(problem).toBeNull()
    expect(inOrder(told.map(({ kind, partition, start, end }) => [kind, partition, start, end]))).toEqual(inOrder(facts))
    return findings.map(({ kind, partition, start, end, snapshot }) => [kind, partition, start, end, snapshot])
  }
  const inOrder = (findings: readonly (readonly unknown[])[]) => findings.map(String).toSorted()
  expect(inOrder(await found({}))).toEqual(inOrder([...offsets, ...byDeleteFiles]))
  expect(inOrder(await found({ exact: true }))).toEqual(inOrder([...offsets, ...byDeleteFiles]))
  expect(inOrder(await found({ values: 'all' }))).toEqual(inOrder([...all, ...byDeleteFiles]))
  // What was meant is said to be, and reported no more.
  expect(inOrder(await found({ accept: byRemoving }))).toEqual(inOrder([...offsets.slice(0, -1), ...byDeleteFiles]))
  expect(await found({ retract: 'commit' })).toEqual(offsets.slice(1, 5))
})
