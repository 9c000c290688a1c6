import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ObjectChanged, ObjectNotFound } from '../../src/seams/object-store.ts'
import type { ListPage, ListQuery, ObjectInfo, ObjectStore } from '../../src/seams/object-store.ts'

/** Keys in the order of their UTF-8 bytes, which is not the order of directories, of words or of UTF-16 units. */
const orderedKeys = ['a b', 'a!', 'a+b', 'a-b', 'a.b', 'a/a', 'a/b/c', 'a0', 'a%41', 'aé', 'a\uffee', 'a😀', 'b'].sort((a, b) =>
  Buffer.compare(Buffer.from(a), Buffer.from(b)),
)

/**
 * What every object store must do. `open` gives a store that may hold other objects already: each test keeps to a prefix of
 * its own.
 */
export function objectStoreConformance(name: string, open: () => Promise<ObjectStore>): void {
  describe(`${name} is an object store`, () => {
    let store: ObjectStore
    beforeAll(async () => {
      store = await open()
    })
    afterAll(() => store.close())

    const write = async (keys: readonly string[]): Promise<void> => {
      for (const key of keys) await store.put(key, [Buffer.from(key)])
    }

    test('what is put is what is got, and put tells its size', async () => {
      const key = `${place()}object`
      const size = await store.put(key, [Buffer.from('one '), Buffer.of(), Buffer.from('two')])
      expect(size).toBe(7)
      expect(text(await store.get(key))).toBe('one two')
    })

    test('chunks may come from an asynchronous producer', async () => {
      const key = `${place()}object`
      await store.put(key, delayed(['a', 'b', 'c']))
      expect(text(await store.get(key))).toBe('abc')
    })

    test('an object may be empty', async () => {
      const key = `${place()}empty`
      expect(await store.put(key, [])).toBe(0)
      expect((await store.get(key)).length).toBe(0)
      expect((await listed(store, { prefix: key })).map(({ size }) => size)).toEqual([0])
    })

    test('an object of many chunks and several parts arrives whole', async () => {
      const key = `${place()}large`
      const chunk = Buffer.alloc(999_983, 'abcdefghij0123456789')
      const count = 20
      const size = await store.put(key, Array(count).fill(chunk))
      expect(size).toBe(count * chunk.length)
      expect(Buffer.compare(await store.get(key), Buffer.concat(Array(count).fill(chunk)))).toBe(0)
    })

    test('a second put of a key replaces the object', async () => {
      const key = `${place()}object`
      await store.put(key, [Buffer.from('first')])
      await store.put(key, [Buffer.from('2nd')])
      expect(text(await store.get(key))).toBe('2nd')
    })

    test('a producer that fails leaves no object, and its error comes out as it is', async () => {
      const prefix = place()
      const failure = new Error('no more columns')
      await expect(store.put(`${prefix}small`, failing(10, failure))).rejects.toBe(failure)
      await expect(store.put(`${prefix}large`, failing(20_000_000, failure))).rejects.toBe(failure)
      expect(await listed(store, { prefix })).toEqual([])
    })

    test('a range gives its bytes, its end exclusive', async () => {
      const key = `${place()}object`
      await store.put(key, [Buffer.from('0123456789')])
      expect(text(await store.get(key, { range: { start: 2, end: 5 } }))).toBe('234')
      expect(text(await store.get(key, { range: { start: 0, end: 1 } }))).toBe('0')
      expect(text(await store.get(key, { range: { start: 8, end: 100 } }))).toBe('89')
    })

    test('a range that starts after the end, or is none, is an error', async () => {
      const key = `${place()}object`
      await store.put(key, [Buffer.from('0123456789')])
      for (const range of [
        { start: 10, end: 11 },
        { start: 3, end: 3 },
        { start: -1, end: 2 },
      ]) {
        await expect(store.get(key, { range })).rejects.toMatchObject({ name: 'WorkError', retry: 'never' })
      }
    })

    test('an object that is not there is ObjectNotFound', async () => {
      const prefix = place()
      await expect(store.get(`${prefix}nothing`)).rejects.toBeInstanceOf(ObjectNotFound)
      await expect(store.get(`${prefix}nothing`, { ifMatch: 'abc' })).rejects.toBeInstanceOf(ObjectNotFound)
      await write([`${prefix}a/b`])
      await expect(store.get(`${prefix}a`)).rejects.toBeInstanceOf(ObjectNotFound)
    })

    test('the listed ETag matches until other bytes are written, also of the same size', async () => {
      const key = `${place()}object`
      await store.put(key, [Buffer.from('before')])
      const [{ etag }] = await listed(store, { prefix: key })
      expect(etag).not.toContain('"')
      expect(text(await store.get(key, { ifMatch: etag }))).toBe('before')
      await store.put(key, [Buffer.from('after!')])
      await expect(store.get(key, { ifMatch: etag })).rejects.toBeInstanceOf(ObjectChanged)
      const [again] = await listed(store, { prefix: key })
      expect(again.etag).not.toBe(etag)
      expect(text(await store.get(key, { ifMatch: again.etag, range: { start: 0, end: 5 } }))).toBe('after')
    })

    test("keys are listed in the order of their UTF-8 bytes, whatever their characters, with their objects' sizes", async () => {
      const prefix = place()
      await write(orderedKeys.toReversed().map((key) => prefix + key))
      const objects = await listed(store, { prefix })
      expect(objects.map(({ key }) => key.slice(prefix.length))).toEqual(orderedKeys)
      expect(objects.map(({ size }) => size)).toEqual(orderedKeys.map((key) => Buffer.byteLength(prefix + key)))
    })

    test('every listed key can be got', async () => {
      const prefix = place()
      const keys = ['plus+', 'per%20cent', 'question?a=1&b#c', `quote"'<>&`, 'tab\t', ' lead', 'trail ', 'back\\slash', '~*()'].map(
        (key) => prefix + key,
      )
      await write(keys)
      for (const { key, etag } of await listed(store, { prefix })) expect(text(await store.get(key, { ifMatch: etag }))).toBe(key)
      expect((await listed(store, { prefix })).map(({ key }) => key).sort()).toEqual(keys.sort())
    })

    test('startAfter leaves out keys up to it and that one too, wherever it lies', async () => {
      const prefix = place()
      await write(orderedKeys.map((key) => prefix + key))
      for (const after of [...orderedKeys, '', 'a', 'a/', 'a/b', 'a/b/', 'a/b/cc', 'a/z', 'zz']) {
        const rest = (await listed(store, { prefix, startAfter: prefix + after })).map(({ key }) => key.slice(prefix.length))
        expect(rest, `after ${after}`).toEqual(orderedKeys.filter((key) => Buffer.compare(Buffer.from(key), Buffer.from(after)) > 0))
      }
      expect(await listed(store, { prefix, startAfter: `${prefix}~` })).toEqual([])
      expect((await listed(store, { prefix, startAfter: '!' })).length).toBe(orderedKeys.length)
    })

    test('a prefix may end inside a name', async () => {
      const prefix = place()
      await write(['seg-1', 'seg-2', 'segment', 'other', 'seg/x'].map((key) => prefix + key))
      const found = await listed(store, { prefix: `${prefix}seg` })
      expect(found.map(({ key }) => key.slice(prefix.length))).toEqual(['seg-1', 'seg-2', 'seg/x', 'segment'])
      expect((await listed(store, { prefix: `${prefix}seg-` })).length).toBe(2)
      expect(await listed(store, { prefix: `${prefix}seg-2/` })).toEqual([])
    })

    test('a delimiter gives one level: its objects, and common prefixes that end in it', async () => {
      const prefix = place()
      await write(['t1/0/a', 't1/0/b', 't1/1/a', 't2/0/a', 't.json', 'z'].map((key) => prefix + key))
      const top = await collected(store, { prefix, delimiter: '/' })
      expect(top.prefixes).toEqual([`${prefix}t1/`, `${prefix}t2/`])
      expect(top.objects.map(({ key }) => key)).toEqual([`${prefix}t.json`, `${prefix}z`])
      const below = await collected(store, { prefix: `${prefix}t1/`, delimiter: '/' })
      expect(below.prefixes).toEqual([`${prefix}t1/0/`, `${prefix}t1/1/`])
      expect(below.objects).toEqual([])
    })

    test('with a delimiter, startAfter counts a common prefix as a key', async () => {
      const prefix = place()
      await write(['t1/a', 't2/a', 't3/a', 'u'].map((key) => prefix + key))
      for (const after of ['t1/', 't1/a', 't1/zz']) {
        const found = await collected(store, { prefix, delimiter: '/', startAfter: prefix + after })
        expect(found.prefixes, `after ${after}`).toEqual([`${prefix}t2/`, `${prefix}t3/`])
        expect(found.objects.length).toBe(1)
      }
    })

    test('a listing of nothing is one empty page, which tells the time', async () => {
      const pages = await pagesOf(store, { prefix: place() })
      expect(pages).toEqual([{ objects: [], prefixes: [], dateMs: expect.any(Number) as number }])
    })

    test('an object was not written after the time that the listing tells', async () => {
      const key = `${place()}object`
      await store.put(key, [Buffer.from('x')])
      const [page] = await pagesOf(store, { prefix: key })
      expect(Number.isInteger(page.dateMs)).toBe(true)
      expect(page.objects[0].lastModifiedMs).toBeLessThanOrEqual(page.dateMs + 1000)
      expect(page.objects[0].lastModifiedMs).toBeGreaterThan(page.dateMs - 60_000)
    })

    test('a signal that has aborted stops a get and a put with its reason', async () => {
      const key = `${place()}object`
      const reason = new Error('stopped')
      const signal = AbortSignal.abort(reason)
      await expect(store.put(key, [Buffer.from('x')], { signal })).rejects.toBe(reason)
      await expect(store.get(key, { signal })).rejects.toBe(reason)
      expect(await listed(store, { prefix: key })).toEqual([])
    })

    test('a signal that aborts while chunks are produced stops the put and leaves no object', async () => {
      const key = `${place()}object`
      const reason = new Error('stopped')
      const controller = new AbortController()
      async function* chunks(): AsyncGenerator<Uint8Array> {
        yield Buffer.from('first')
        controller.abort(reason)
        yield Buffer.from('second')
      }
      await expect(store.put(key, chunks(), { signal: controller.signal })).rejects.toBe(reason)
      expect(await listed(store, { prefix: key })).toEqual([])
    })

    test('many requests at once are all answered', async () => {
      const prefix = place()
      const keys = Array.from({ length: 40 }, (_, i) => `${prefix}${i}`)
      await Promise.all(keys.map((key) => store.put(key, [Buffer.from(key)])))
      expect(await Promise.all(keys.map(async (key) => text(await store.get(key))))).toEqual(keys)
    })
  })
}

function place(): string {
  return `conformance-${randomUUID()}/`
}

/** All pages of a listing. */
export async function pagesOf(store: ObjectStore, query: ListQuery): Promise<ListPage[]> {
  const pages: ListPage[] = []
  for await (const page of store.list(query)) pages.push(page)
  return pages
}

/** All objects and common prefixes of a listing. */
export async function collected(store: ObjectStore, query: ListQuery): Promise<{ objects: ObjectInfo[]; prefixes: string[] }> {
  const pages = await pagesOf(store, query)
  return { objects: pages.flatMap(({ objects }) => objects), prefixes: pages.flatMap(({ prefixes }) => prefixes) }
}

async function listed(store: ObjectStore, query: ListQuery): Promise<ObjectInfo[]> {
  return (await collected(store, query)).objects
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString()
}

async function* delayed(texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const chunk of texts) {
    await new Promise(setImmediate)
    yield Buffer.from(chunk)
  }
}

function* failing(bytes: number, failure: Error): Generator<Uint8Array> {
  const chunk = Buffer.alloc(Math.min(bytes, 1_000_000))
  for (let at = 0; at < bytes; at += chunk.length) yield chunk
  throw failure
}
