import { expect, test } from 'vitest'
import { virtualClock } from '../../../../src/drivers/clock/virtual.ts'
import { uriFiles } from '../../../../src/drivers/io/uri-files.ts'
import { memoryStore, type MemoryStore } from '../../../../src/drivers/store/memory.ts'

function files() {
  const stores = new Map<string | null, MemoryStore>()
  const opened: (string | null)[] = []
  const io = uriFiles(async (bucket) => {
    opened.push(bucket)
    const store = memoryStore({ clock: virtualClock() })
    stores.set(bucket, store)
    return store
  })
  return { io, stores, opened }
}

test.each([
  ['s3://bucket/a/b.parquet', 'bucket', 'a/b.parquet'],
  ['s3a://bucket/a', 'bucket', 'a'],
  ['s3n://bucket/a', 'bucket', 'a'],
  ['file:///tmp/a', null, 'tmp/a'],
  ['file:/tmp/a', null, 'tmp/a'],
  ['s3://bucket/a%20b/../c?d#e', 'bucket', 'a%20b/../c?d#e'],
  ['s3://bucket//double', 'bucket', '/double'],
  ['s3://bucket/line\nbreak', 'bucket', 'line\nbreak'],
])('%s is key and bucket as they stand', async (uri, bucket, key) => {
  const { io, stores } = files()
  expect(await io.write(uri, [Buffer.from('abc')])).toBe(3)
  expect(stores.get(bucket)!.keys()).toEqual([key])
  expect(Buffer.from(await io.read(uri)).toString()).toBe('abc')
  await io.remove(uri)
  expect(stores.get(bucket)!.keys()).toEqual([])
})

test('each store is opened once, and closed', async () => {
  const { io, opened } = files()
  await Promise.all([io.write('s3://a/1', []), io.write('s3://a/2', []), io.write('s3://b/1', [])])
  expect(opened).toEqual(['a', 'b'])
  await io.close()
})

test.each(['gs://bucket/a', '/tmp/a', 's3://bucket', 's3://bucket/', 's3:///a', 'http://host/a', '', 'file://host/a'])(
  '%s is refused',
  async (uri) => {
    await expect(files().io.read(uri)).rejects.toMatchObject({
      name: 'WorkError',
      retry: 'never',
      message: `${uri}: only s3://bucket/key and file:///path can be read and written`,
    })
  },
)
