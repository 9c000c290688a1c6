import { describe, expect, test } from 'vitest'
import { virtualClock } from '../../../../src/drivers/clock/virtual.ts'
import { memoryStore } from '../../../../src/drivers/store/memory.ts'
import type { MemoryStoreOptions } from '../../../../src/drivers/store/memory.ts'
import { WorkError } from '../../../../src/model/failure.ts'
import { objectStoreConformance, pagesOf } from '../../../conformance/object-store.ts'

objectStoreConformance('memory', async () => memoryStore({ clock: virtualClock() }))
objectStoreConformance('memory with pages of two', async () => memoryStore({ clock: virtualClock(), pageSize: 2 }))

function opened(options: Partial<MemoryStoreOptions> = {}) {
  const clock = virtualClock(1_000_400)
  return { clock, store: memoryStore({ clock, ...options }) }
}

describe('the store in memory', () => {
  test('times are whole seconds of the clock, and the ETag follows from the bytes', async () => {
    const { clock, store } = opened()
    await store.put('k', [Buffer.from('same')])
    const [first] = await pagesOf(store, { prefix: '' })
    await clock.advanceBy(5000)
    await store.put('k', [Buffer.from('same')])
    const [second] = await pagesOf(store, { prefix: '' })
    expect(first).toEqual({
      objects: [{ key: 'k', size: 4, etag: '51037a4a37730f52c8732586d3aaa316', lastModifiedMs: 1_000_000 }],
      prefixes: [],
      dateMs: 1_000_000,
    })
    expect(second.objects[0]).toEqual({ ...first.objects[0], lastModifiedMs: 1_005_000 })
  })

  test('a fault fails the request before it takes effect', async () => {
    const fault = new WorkError('no route', { retry: 'later' })
    const { store } = opened({ fault: (operation) => (operation === 'put' ? fault : undefined) })
    await expect(store.put('k', [Buffer.from('x')])).rejects.toBe(fault)
    expect(store.keys()).toEqual([])
  })

  test('a put whose answer is lost fails and has taken effect', async () => {
    const { store } = opened({ fault: (operation) => (operation === 'put' ? 'lost-after' : undefined) })
    await expect(store.put('k', [Buffer.from('x')])).rejects.toMatchObject({ name: 'WorkError', retry: 'later' })
    expect(store.keys()).toEqual(['k'])
  })

  test('faults are asked for each page of a listing and each get', async () => {
    const asked: string[] = []
    const { store } = opened({ pageSize: 1, fault: (operation, key) => void asked.push(`${operation} ${key}`) })
    await store.put('p/1', [])
    await store.put('p/2', [])
    await pagesOf(store, { prefix: 'p/' })
    await store.get('p/1')
    expect(asked).toEqual(['put p/1', 'put p/2', 'list p/', 'list p/', 'get p/1'])
  })

  test('a listing goes on after its last key, whatever came and went in between', async () => {
    const { store } = opened({ pageSize: 2 })
    for (const key of ['b', 'c', 'd', 'e']) await store.put(key, [])
    const seen: string[] = []
    for await (const page of store.list({ prefix: '' })) {
      seen.push(...page.objects.map(({ key }) => key))
      await store.remove('c')
      await store.put('a', [])
      await store.put('dd', [])
    }
    expect(seen).toEqual(['b', 'c', 'd', 'dd', 'e'])
  })

  test('neither what was put nor what was got shares memory with the object', async () => {
    const { store } = opened()
    const chunk = Buffer.from('abc')
    await store.put('k', [chunk])
    chunk[0] = 0
    ;(await store.get('k'))[1] = 0
    expect(Buffer.from(await store.get('k')).toString()).toBe('abc')
  })
})
