import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { openDocument } from '../../src/compose.ts'
import { memoryJournal } from '../../src/drivers/journal/memory.ts'
import { sweepOrphans, type SweepReport } from '../../src/service/maintain/orphan-sweep.ts'
import type { ProcessorDocument } from '../../src/spec/document.ts'
import { addSegment, documentOf, loadMetadata, restOnS3, runOnce, sqliteOnS3 } from './program.ts'
import { readTable } from './readers.ts'
import { s3Client } from './servers.ts'

const hourMs = 3_600_000
const database = `orphans_${process.pid}`
/** Names that a careless encoding or comparison loses. */
const strays = [
  'data/plain.parquet',
  'data/p=a b/one.parquet',
  'data/p=a%20b/two.parquet',
  'data/a+b&c=d/é ü.parquet',
  'metadata/left-m0.avro',
]

let directory: string
const s3 = s3Client(inject('s3'))
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'orphans-'))
})
afterAll(async () => {
  s3.destroy()
  await rm(directory, { recursive: true, force: true })
})

/** A sweep as it would be so many hours from now: the server's clock can not be set. */
async function sweepLater(document: ProcessorDocument, hours: number, remove: boolean): Promise<SweepReport> {
  const { seams, close } = await openDocument(document, memoryJournal())
  const io = {
    ...seams.io,
    async *list(folder: string) {
      for await (const page of seams.io.list(folder)) yield { ...page, dateMs: page.dateMs + hours * hourMs }
    },
  }
  try {
    return await sweepOrphans({ namespace: [database], name: 'orders' }, { olderThanMs: 72 * hourMs, remove }, { ...seams, io })
  } finally {
    await close()
  }
}

async function keysBelow(bucket: string, prefix: string): Promise<string[]> {
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix }))
  return Contents.map(({ Key }) => Key!).toSorted()
}

test.each([
  ['a SQLite catalog', () => sqliteOnS3(directory, 'orphans')],
  ['the REST catalog', () => restOnS3()],
])(
  'on a real S3 server, with %s, orphans go whatever their names, and nothing else',
  async (name, place) => {
    const segments = join(directory, name.replaceAll(' ', '-'))
    for (const offset of [0n, 2n])
      await addSegment(segments, { topic: 'orders', partition: 0 }, offset, [{ value: Buffer.from('a') }, { value: Buffer.from('b') }])
    const document = documentOf({ place: place(), source: { topics: ['orders'], directory: segments, graceSeconds: 0 }, database })
    expect(await runOnce(document)).toMatchObject({ ok: true })
    const { location } = await loadMetadata(document, 'orders')
    const [, bucket, prefix] = /^s3a?:\/\/([^/]+)\/(.+?)\/?$/.exec(location)!
    const before = await keysBelow(bucket, `${prefix}/`)
    for (const stray of strays) await s3.send(new PutObjectCommand({ Bucket: bucket, Key: `${prefix}/${stray}`, Body: 'ten bytes!' }))

    expect(await sweepLater(document, 0, true)).toMatchObject({ listed: before.length + strays.length, orphans: 0 })
    expect(await sweepLater(document, 80, false)).toMatchObject({ orphans: strays.length, bytes: 10 * strays.length, removed: 0 })
    expect(await sweepLater(document, 80, true)).toMatchObject({ removed: strays.length, left: 0 })
    expect(await keysBelow(bucket, `${prefix}/`)).toEqual(before)
    expect(await readTable('pyiceberg', place().reader, [database, 'orders'])).toHaveLength(4)
  },
  300_000,
)
