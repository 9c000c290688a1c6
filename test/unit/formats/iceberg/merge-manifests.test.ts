import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ManifestEntry, ManifestFile } from '../../../../src/formats/iceberg/data-file.ts'
import { mergeEntries, mergeOptions, planManifestMerge } from '../../../../src/formats/iceberg/merge-manifests.ts'
import type { MergeOptions } from '../../../../src/formats/iceberg/merge-manifests.ts'

let paths = 0
const manifest = (length: number, of: Partial<ManifestFile> = {}): ManifestFile => ({
  manifestPath: `m${paths++}`,
  manifestLength: BigInt(length),
  partitionSpecId: 0,
  content: 0,
  sequenceNumber: 1n,
  minSequenceNumber: 1n,
  addedSnapshotId: 1n,
  addedFilesCount: 1,
  existingFilesCount: 0,
  deletedFilesCount: 0,
  addedRowsCount: 1n,
  existingRowsCount: 0n,
  deletedRowsCount: 0n,
  ...of,
})
const options: MergeOptions = { targetBytes: 1000, minCountToMerge: 4, enabled: true }

test('the table properties are honoured, with the defaults of the reference implementation', () => {
  expect(mergeOptions({})).toEqual({ targetBytes: 8_388_608, minCountToMerge: 100, enabled: true })
  const set = {
    'commit.manifest.target-size-bytes': '1000',
    'commit.manifest.min-count-to-merge': '4',
    'commit.manifest-merge.enabled': 'false',
  }
  expect(mergeOptions(set)).toEqual({ targetBytes: 1000, minCountToMerge: 4, enabled: false })
  expect(() => mergeOptions({ 'commit.manifest.min-count-to-merge': 'many' })).toThrow(
    /commit.manifest.min-count-to-merge: expected a whole number, found "many"/,
  )
})

test('the newest small manifests wait until enough are there', () => {
  const three = [manifest(10), manifest(10), manifest(10)]
  expect(planManifestMerge(three, options)).toEqual({ keep: three, merge: [] })
  const four = [manifest(10), ...three]
  expect(planManifestMerge(four, options)).toEqual({ keep: [], merge: [four] })
})

test('nothing is merged where merging is off', () => {
  const many = Array.from({ length: 200 }, () => manifest(10))
  expect(planManifestMerge(many, { ...options, enabled: false })).toEqual({ keep: many, merge: [] })
})

test('a full bin is merged whatever its count, the newest one waits', () => {
  const many = [manifest(10), manifest(400), manifest(400), manifest(400)]
  expect(planManifestMerge(many, options)).toEqual({ keep: many.slice(0, 2), merge: [many.slice(2)] })
})

test('manifests of different specs are never merged, and delete manifests are kept', () => {
  const mixed = Array.from({ length: 12 }, (_, i) => manifest(10, { partitionSpecId: i % 2, content: i % 3 === 0 ? 1 : 0 }))
  const { keep, merge } = planManifestMerge(mixed, options)
  expect(keep).toEqual(mixed.filter((one) => one.content === 1))
  expect(merge.map((group) => new Set(group.map((one) => one.partitionSpecId)).size)).toEqual([1, 1])
})

test('a manifest of half the target size is left alone', () => {
  const many = [manifest(10), manifest(10), manifest(10), manifest(10), manifest(500)]
  expect(planManifestMerge(many, options)).toEqual({ keep: [many[4]], merge: [many.slice(0, 4)] })
  const filling = [manifest(10), manifest(400), manifest(400), manifest(500)]
  expect(planManifestMerge(filling, options)).toEqual({ keep: filling, merge: [] })
})

test('a large manifest is not rewritten for a few small ones', () => {
  const many = [manifest(10), manifest(10), manifest(10), manifest(10), manifest(41)]
  expect(planManifestMerge(many, options).merge).toEqual([many.slice(0, 4)])
  const enough = [...many.slice(0, 4), manifest(40)]
  expect(planManifestMerge(enough, options).merge).toEqual([enough])
})

test('a plan loses and doubles nothing, keeps the order, and no group is over the target', () => {
  const list = fc.array(fc.tuple(fc.integer({ min: 1, max: 1500 }), fc.nat(2), fc.constantFrom(0, 0, 0, 1)), { maxLength: 60 })
  fc.assert(
    fc.property(list, (of) => {
      const manifests = of.map(([length, partitionSpecId, content]) => manifest(length, { partitionSpecId, content }))
      const { keep, merge } = planManifestMerge(manifests, options)
      expect(new Set([...keep, ...merge.flat()])).toEqual(new Set(manifests))
      expect(keep.length + merge.flat().length).toBe(manifests.length)
      expect(keep).toEqual(manifests.filter((one) => keep.includes(one)))
      for (const group of merge) {
        expect(group.length).toBeGreaterThan(1)
        expect(group.reduce((sum, one) => sum + Number(one.manifestLength), 0)).toBeLessThanOrEqual(options.targetBytes)
        expect(new Set(group.map((one) => `${one.partitionSpecId} ${one.content}`)).size).toBe(1)
      }
    }),
  )
})

/** Commits a manifest a time; each merged manifest has the size of what went into it. */
function run(
  commits: number,
  sizes: (commit: number) => number,
  of: MergeOptions,
): { rewritten: number[]; listed: number[]; read: number[] } {
  let manifests: ManifestFile[] = []
  const history = { rewritten: [] as number[], listed: [] as number[], read: [] as number[] }
  for (let commit = 0; commit < commits; commit++) {
    const { keep, merge } = planManifestMerge([manifest(sizes(commit)), ...manifests], of)
    const merged = merge.map((group) => manifest(group.reduce((sum, one) => sum + Number(one.manifestLength), 0)))
    manifests = [...merged, ...keep].sort((a, b) => Number(b.manifestPath.slice(1)) - Number(a.manifestPath.slice(1)))
    history.rewritten.push(merged.reduce((sum, one) => sum + Number(one.manifestLength), 0))
    history.read.push(merge.flat().length)
    history.listed.push(manifests.length)
  }
  return history
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)

test('ten thousand commits leave a bounded list, and each byte is rewritten a logarithmic number of times', () => {
  const defaults = mergeOptions({})
  const { rewritten, listed, read } = run(10_000, () => 4000, defaults)
  // 40 MB of manifests: 100 waiting, a few merged ones, and two for each 8 MiB.
  expect(Math.max(...listed)).toBeLessThan(100 + 8 + 2 * 5)
  expect(sum(rewritten)).toBeLessThan(10_000 * 4000 * 8)
  expect(sum(read)).toBeLessThan(10_000 * 1.2)
})

test('the hundred commits up to the thousandth rewrite no more than three times what they bring', () => {
  const { rewritten } = run(1000, () => 4000, mergeOptions({}))
  expect(sum(rewritten.slice(900))).toBeLessThanOrEqual(3 * 100 * 4000 + 1000 * 4000)
  expect(sum(rewritten)).toBeLessThanOrEqual(6 * 1000 * 4000)
})

test('however sizes vary, the list stays bounded and the work amortised', () => {
  const sizes = fc.infiniteStream(fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 700 })))
  fc.assert(
    fc.property(sizes, fc.integer({ min: 0, max: 30 }), (stream, minCountToMerge) => {
      const brought = Array.from({ length: 400 }, () => stream.next().value)
      const { rewritten, listed } = run(400, (commit) => brought[commit], { targetBytes: 1000, minCountToMerge, enabled: true })
      const total = sum(brought)
      expect(Math.max(...listed)).toBeLessThanOrEqual(minCountToMerge + 12 + Math.ceil((2 * total) / 500))
      expect(sum(rewritten)).toBeLessThanOrEqual(total * 11)
    }),
    { numRuns: 50 },
  )
})

const entry = (status: 0 | 1 | 2, snapshotId: bigint | null, path: string): ManifestEntry => ({
  status,
  snapshotId,
  sequenceNumber: snapshotId,
  fileSequenceNumber: snapshotId,
  dataFile: { content: 0, filePath: path, fileFormat: 'PARQUET', partition: [], recordCount: 1n, fileSizeInBytes: 1n },
})

test('merged entries of earlier snapshots exist, with their own snapshot and sequence numbers, and their deletions are gone', () => {
  const merged = [...mergeEntries([[entry(1, 3n, 'a'), entry(0, 1n, 'b'), entry(2, 3n, 'c')], [entry(1, 2n, 'd')]], 9n)]
  expect(merged).toEqual([entry(0, 3n, 'a'), entry(0, 1n, 'b'), entry(0, 2n, 'd')])
})

test('entries of the new snapshot stay added or deleted', () => {
  const own = [entry(1, null, 'a'), entry(1, 9n, 'b'), entry(2, 9n, 'c')]
  expect([...mergeEntries([own], 9n)]).toEqual(own)
})
