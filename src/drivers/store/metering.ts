import type { Meter } from '../../seams/meter.ts'
import type { ListPage, ObjectStore, WarehouseStore } from '../../seams/object-store.ts'

/**
 * Counts what is asked of a store, whatever the driver: `store.<name>.list.pages`, `store.<name>.get.requests`, `.get.bytes`,
 * `.put.requests`, `.put.bytes`, and `.list.failures`, `.get.failures`, `.put.failures`. `name` says which store it is: `source`, `warehouse`.
 */
export function meteringStore(store: ObjectStore, name: 'source' | 'warehouse', meter: Meter): ObjectStore {
  const counter = <Noun extends string>(noun: Noun) => `store.${name}.${noun}` as const

  async function* list(query: Parameters<ObjectStore['list']>[0]): AsyncGenerator<ListPage> {
    try {
      for await (const page of store.list(query)) {
        meter.add(counter('list.pages'))
        yield page
      }
    } catch (error) {
      meter.add(counter('list.failures'))
      throw error
    }
  }

  return {
    list,
    async get(key, options) {
      meter.add(counter('get.requests'))
      try {
        const bytes = await store.get(key, options)
        meter.add(counter('get.bytes'), bytes.length)
        return bytes
      } catch (error) {
        meter.add(counter('get.failures'))
        throw error
      }
    },
    async put(key, chunks, options) {
      meter.add(counter('put.requests'))
      try {
        const size = await store.put(key, chunks, options)
        meter.add(counter('put.bytes'), size)
        return size
      } catch (error) {
        meter.add(counter('put.failures'))
        throw error
      }
    },
    release: store.release,
    close: () => store.close(),
  }
}

/** The same of a store that files may be removed from. */
export function meteringWarehouse(store: WarehouseStore, meter: Meter): WarehouseStore {
  return { ...meteringStore(store, 'warehouse', meter), remove: (key) => store.remove(key) }
}
