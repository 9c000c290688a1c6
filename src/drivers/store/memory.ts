import { createHash } from 'node:crypto'
import { WorkError } from '../../model/failure.ts'
import type { Clock } from '../../seams/clock.ts'
import { ObjectChanged, ObjectNotFound } from '../../seams/object-store.ts'
import type { ListPage, ListQuery, ObjectInfo, WarehouseStore } from '../../seams/object-store.ts'
import { byteRange } from './byte-range.ts'
import { compareKeys } from './key-order.ts'

/** What a simulation lets happen to one request. `lost-after`: it takes effect and its answer is lost. */
export type StoreFault = Error | 'lost-after' | undefined

export interface MemoryStoreOptions {
  readonly clock: Clock
  /** Asked once for each page, get and put, before it takes effect; `key` is the prefix where a listing is concerned. */
  readonly fault?: (operation: 'list' | 'get' | 'put', key: string) => StoreFault
  /** Objects and prefixes a page holds at most; 1,000 as in S3 unless given. */
  readonly pageSize?: number
}

export interface MemoryStore extends WarehouseStore {
  /** All keys, in the order of a listing. */
  keys(): readonly string[]
}

interface StoredObject {
  readonly info: ObjectInfo
  readonly bytes: Uint8Array
}

/**
 * Objects in memory that behave as in S3: the ETag is the MD5 of the bytes, so that writing the same bytes again does not
 * change it; `lastModifiedMs` and `dateMs` come from the clock in whole seconds; a put is seen whole or not at all; a
 * listing goes on after the last key it gave, whatever came or went since.
 */
export function memoryStore(options: MemoryStoreOptions): MemoryStore {
  const { clock, fault = () => undefined, pageSize = 1000 } = options
  const objects = new Map<string, StoredObject>()
  /** Made anew after a key came or went. */
  let sorted: readonly string[] | undefined
  const keys = (): readonly string[] => (sorted ??= [...objects.keys()].sort(compareKeys))
  const wholeSecondsMs = (): number => Math.floor(clock.now() / 1000) * 1000

  /** Fails now, or gives the function that fails once the request has taken effect. */
  function strike(operation: 'list' | 'get' | 'put', key: string): () => void {
    const struck = fault(operation, key)
    if (struck instanceof Error) throw struck
    return () => {
      if (struck === 'lost-after') throw new WorkError(`memory store: ${operation} of ${key}: the answer was lost`, { retry: 'later' })
    }
  }

  async function* list(query: ListQuery): AsyncGenerator<ListPage> {
    let after: string | undefined
    do {
      const answer = strike('list', query.prefix)
      const page = cutPage(keys(), query, after, pageSize)
      answer()
      yield {
        objects: page.keys.map((key) => objects.get(key)!.info),
        prefixes: page.prefixes,
        dateMs: wholeSecondsMs(),
      }
      after = page.next
    } while (after !== undefined)
  }

  return {
    list,
    async get(key, { ifMatch, range, signal } = {}) {
      signal?.throwIfAborted()
      const answer = strike('get', key)
      const object = objects.get(key)
      if (object === undefined) throw new ObjectNotFound(`memory store: there is no object ${key}`)
      if (ifMatch !== undefined && ifMatch !== object.info.etag) {
        throw new ObjectChanged(`memory store: object ${key} has ETag ${object.info.etag}, and ${ifMatch} was asked for`)
      }
      const bytes = object.bytes.slice(...byteRange(key, object.info.size, range))
      answer()
      return bytes
    },
    async put(key, chunks, { signal } = {}) {
      const pieces: Uint8Array[] = []
      for await (const chunk of chunks) {
        signal?.throwIfAborted()
        pieces.push(chunk.slice())
      }
      signal?.throwIfAborted()
      const answer = strike('put', key)
      const bytes = Buffer.concat(pieces)
      if (!objects.has(key)) sorted = undefined
      const etag = createHash('md5').update(bytes).digest('hex')
      objects.set(key, { info: { key, size: bytes.length, etag, lastModifiedMs: wholeSecondsMs() }, bytes: new Uint8Array(bytes) })
      answer()
      return bytes.length
    },
    async close() {},
    async remove(key) {
      if (objects.delete(key)) sorted = undefined
    },
    keys,
  }
}

interface KeyPage {
  readonly keys: string[]
  readonly prefixes: string[]
  /** Where the next page goes on: after this key, or after everything that starts with this prefix. Absent: it was the last page. */
  readonly next?: string
}

/** One page of sorted keys. `after` is the last entry of the page before. */
function cutPage(sorted: readonly string[], query: ListQuery, after: string | undefined, pageSize: number): KeyPage {
  const { prefix, startAfter, delimiter } = query
  const page: KeyPage = { keys: [], prefixes: [] }
  let last: string | undefined
  for (const key of sorted) {
    if (!key.startsWith(prefix)) continue
    const at = delimiter === undefined ? -1 : key.indexOf(delimiter, prefix.length)
    const entry = at < 0 ? key : key.slice(0, at + delimiter!.length)
    if (entry === last || isBehind(entry, startAfter) || isBehind(entry, after)) continue
    if (page.keys.length + page.prefixes.length === pageSize) return { ...page, next: last }
    if (at < 0) page.keys.push(key)
    else page.prefixes.push(entry)
    last = entry
  }
  return page
}

function isBehind(entry: string, mark: string | undefined): boolean {
  return mark !== undefined && compareKeys(entry, mark) <= 0
}
