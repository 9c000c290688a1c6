import { expect } from 'vitest'
import { readManifestList, writeManifestList } from '../../../src/formats/iceberg/manifest-list.ts'
import { summaryKeys } from '../../../src/pipeline/commit/summary-keys.ts'
import { TableRewriter } from '../../../src/service/maintain/table-rewriter.ts'
import { liveEntries } from './foreign-commit.ts'
import { at, batch, record } from './segments.ts'
import { namespace, sourceId, type World } from './world.ts'

/** Values of ten characters each, which stand as they are in a file that is not compressed. */
export const valueOf = (offset: bigint) => `v${String(offset).padStart(9, '0')}`

const uncompressed = { 'write.parquet.compression-codec': 'uncompressed' }

export const write = (own: World, partition: number, start: bigint, length: number) =>
  own.write({ ...at, partition }, start, [
    batch(
      start,
      Array.from({ length }, (_, i) => record(valueOf(start + BigInt(i)))),
    ),
  ])

export const run = (own: World) => own.runOnce((document) => (document.spec.sink.tables = { properties: uncompressed }))

/** The same, and what can not be read is left out. */
export const runSkipping = (own: World) =>
  own.runOnce((document) => {
    document.spec.sink.tables = { properties: uncompressed }
    document.spec.mappings[0].onError = 'skip'
  })

/** Ten batches of a segment, of which the fifth has not the bytes of its CRC. */
export function withWrongCrc(start: bigint, length: number): Uint8Array[] {
  const each = length / 10
  return Array.from({ length: 10 }, (_, n) => {
    const first = start + BigInt(n * each)
    const values = Array.from({ length: each }, (_value, i) => record(valueOf(first + BigInt(i))))
    const bytes = Uint8Array.from(batch(first, values))
    if (n === 4) bytes[bytes.length - 1] ^= 1
    return bytes
  })
}

/** The data file that came with the n-th snapshot. */
export const fileOf = async (own: World, nth: number) =>
  (await liveEntries(own, at.topic)).find(({ fileSequenceNumber }) => fileSequenceNumber === BigInt(nth))!.dataFile

/** Changes bytes of a data file where it lies: nothing else tells of it. */
export async function forge(own: World, path: string, from: string, to: string): Promise<void> {
  const bytes = Buffer.from(await own.io.read(path))
  const place = bytes.indexOf(from, 0, 'latin1')
  expect(place).toBeGreaterThan(0)
  bytes.write(to, place, 'latin1')
  await own.io.write(path, [bytes])
}

/** Has our newest snapshot say nothing under a key of its manifest list, as an older program leaves it; the snapshot's id. */
export async function forget(own: World, key: string): Promise<bigint> {
  const snapshot = (await own.table(at.topic)).snapshots!.findLast(({ summary }) => summary[summaryKeys.commitId] !== undefined)!
  const { manifests, metadata } = readManifestList(await own.io.read(snapshot['manifest-list']))
  expect(metadata.has(key)).toBe(true)
  const older = Object.fromEntries([...metadata].filter(([one]) => one.startsWith('kafscale.') && one !== key))
  const [snapshotId, sequenceNumber] = [snapshot['snapshot-id'], snapshot['sequence-number']!]
  const list = { manifests, snapshotId, parentSnapshotId: snapshot['parent-snapshot-id'] ?? null, sequenceNumber, metadata: older }
  await own.io.write(snapshot['manifest-list'], [writeManifestList({ ...list, formatVersion: 2, syncMarker: new Uint8Array(16) })])
  return snapshotId
}

/** What retention does: a segment of a partition goes, with its index. */
export async function takeSegment(own: World, partition: number, baseOffset: bigint): Promise<void> {
  const name = `p/${at.topic}/${partition}/segment-${`${baseOffset}`.padStart(20, '0')}`
  for (const end of ['kfs', 'index']) await own.source.remove(`${name}.${end}`)
}

/** A rewriter of the table, and its plan to rewrite all files as one group. */
export async function planOfAll(own: World) {
  const rewriter = new TableRewriter(sourceId, { namespace, name: at.topic }, 'test', await own.table(at.topic), own.seams)
  const { plan } = await rewriter.plan(() => ({
    targetFileSizeBytes: 1_000_000,
    isQuiet: () => false,
    maxBytes: Infinity,
    mustRewrite: () => true,
  }))
  return { rewriter, group: plan.rewrites[0].group }
}
