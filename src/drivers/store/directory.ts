import { constants } from 'node:fs'
import { mkdir, open, rm, stat } from 'node:fs/promises'
import type { BigIntStats } from 'node:fs'
import { join, resolve } from 'node:path'
import { SpareBytes } from '../../formats/bytes/spare-bytes.ts'
import { WorkError } from '../../model/failure.ts'
import type { Clock } from '../../seams/clock.ts'
import type { Entropy } from '../../seams/entropy.ts'
import { ObjectChanged, ObjectNotFound } from '../../seams/object-store.ts'
import type { ListPage, ListQuery, ObjectInfo, ObjectStore, WarehouseStore } from '../../seams/object-store.ts'
import { byteRange } from './byte-range.ts'
import { fileSystem, isGone } from './directory-errors.ts'
import { checkKey } from './directory-keys.ts'
import { walkKeys } from './directory-walk.ts'
import { writeFileWhole } from './directory-write.ts'

export interface DirectoryStoreOptions {
  /** The directory under which keys are paths. */
  readonly root: string
  /** Whether a missing root is made (a warehouse) or an error (a source). */
  readonly create: boolean
}

/** As many as S3 puts on a page. */
const pageSize = 1000

/**
 * Opens a directory that has the layout of a bucket. Links are followed. Differences from S3: an empty directory is a common
 * prefix, and the only delimiter is the slash. The ETag is made of size, modification time and inode: it tells a rewritten
 * file without reading it. Throws a WorkError where the root is missing or no directory.
 */
export async function openDirectoryStore(
  options: DirectoryStoreOptions,
  { clock, entropy }: { readonly clock: Clock; readonly entropy: Entropy },
): Promise<WarehouseStore> {
  const root = resolve(options.root)
  const spare = new SpareBytes()
  if (options.create) await fileSystem(`create directory ${root}`, () => mkdir(root, { recursive: true }))
  await checkRoot()

  /** A root that went away is an error: else all its objects would seem to be deleted. */
  async function checkRoot(): Promise<void> {
    const found = await fileSystem(`look at directory ${root}`, () =>
      stat(root).catch((error: unknown) => {
        if (isGone(error)) return undefined
        throw error
      }),
    )
    if (found === undefined) throw new WorkError(`directory ${root} does not exist`, { retry: 'never' })
    if (!found.isDirectory()) throw new WorkError(`${root} is not a directory`, { retry: 'never' })
  }

  async function infoOf(key: string): Promise<ObjectInfo | undefined> {
    try {
      const found = await stat(join(root, key), { bigint: true })
      return found.isFile() ? toInfo(key, found) : undefined
    } catch (error) {
      if (isGone(error)) return undefined
      throw error
    }
  }

  async function* list(query: ListQuery): AsyncGenerator<ListPage> {
    if (query.delimiter !== undefined && query.delimiter !== '/') {
      throw new WorkError(`directory ${root}: the delimiter of a listing is "/", not ${JSON.stringify(query.delimiter)}`, {
        retry: 'never',
      })
    }
    const what = `list ${query.prefix} in directory ${root}`
    await checkRoot()
    const walk = walkKeys(root, query, pageSize)
    for (let first = true; ; first = false) {
      const page = await fileSystem(what, async () => {
        const keys = await walk.next()
        if (keys.done) return undefined
        const infos = await Promise.all(keys.value.filter((key) => !key.endsWith('/')).map(infoOf))
        return { objects: infos.filter((info) => info !== undefined), prefixes: keys.value.filter((key) => key.endsWith('/')) }
      })
      if (page !== undefined) yield { ...page, dateMs: clock.now() }
      else if (first) yield { objects: [], prefixes: [], dateMs: clock.now() }
      if (page === undefined) return
    }
  }

  async function get(key: string, { ifMatch, range, signal }: Parameters<ObjectStore['get']>[1] = {}): Promise<Uint8Array> {
    checkKey(root, key)
    signal?.throwIfAborted()
    // Not blocking: the opening of a named pipe would never end.
    const file = await open(join(root, key), constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const before = await file.stat({ bigint: true })
      if (!before.isFile()) throw new ObjectNotFound(`directory ${root}: ${key} is not a file`)
      const info = toInfo(key, before)
      if (ifMatch !== undefined && ifMatch !== info.etag) throw changed(root, key, info.etag, ifMatch)
      const [from, to] = byteRange(key, info.size, range)
      const bytes = spare.take(to - from)
      let filled = 0
      while (filled < bytes.length) {
        const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, from + filled)
        if (bytesRead === 0) break
        filled += bytesRead
        signal?.throwIfAborted()
      }
      const after = toInfo(key, await file.stat({ bigint: true })).etag
      if (filled < bytes.length || after !== info.etag) throw changed(root, key, after, info.etag)
      return bytes
    } finally {
      await file.close()
    }
  }

  return {
    list,
    async get(key, conditions) {
      try {
        return await fileSystem(`read ${key} in directory ${root}`, () => get(key, conditions))
      } catch (error) {
        if (!(error instanceof WorkError) || !isGone(error.cause)) throw error
        await checkRoot()
        throw new ObjectNotFound(`directory ${root}: there is no file ${key}`)
      }
    },
    release: (bytes) => spare.giveBack(bytes as Uint8Array<ArrayBuffer>),
    async put(key, chunks, { signal } = {}) {
      checkKey(root, key)
      signal?.throwIfAborted()
      return writeFileWhole(root, key, entropy.uuid(), chunks, signal)
    },
    async remove(key) {
      checkKey(root, key)
      await fileSystem(`remove ${key} in directory ${root}`, () => rm(join(root, key), { force: true }))
    },
    async close() {},
  }
}

function toInfo(key: string, found: BigIntStats): ObjectInfo {
  return {
    key,
    size: Number(found.size),
    etag: `${found.size}-${found.mtimeNs}-${found.ino}`,
    lastModifiedMs: Number(found.mtimeNs / 1_000_000n),
  }
}

function changed(root: string, key: string, found: string, expected: string): ObjectChanged {
  return new ObjectChanged(`directory ${root}: file ${key} has ETag ${found}, and ${expected} was expected`)
}
