import { WorkError } from '../../model/failure.ts'
import type { ListedFiles } from '../../seams/file-io.ts'
import type { WarehouseStore } from '../../seams/object-store.ts'

/** Opens the store that holds a file: a bucket by its name, or the file system's root (null). */
export type OpenWarehouse = (bucket: string | null) => Promise<WarehouseStore>

/**
 * Files by URI over object stores: `s3://bucket/key` and `s3a://bucket/key`, `file:///path` and `file:/path` as Java writes it.
 * What follows the scheme is taken as it stands: Iceberg compares paths as strings, so nothing is decoded or normalized.
 */
export function uriFiles(open: OpenWarehouse): ListedFiles & { close(): Promise<void> } {
  const stores = new Map<string | null, Promise<WarehouseStore>>()

  function storeOf(bucket: string | null): Promise<WarehouseStore> {
    let store = stores.get(bucket)
    if (store === undefined) {
      stores.set(bucket, (store = open(bucket)))
      store.catch(() => stores.delete(bucket))
    }
    return store
  }

  return {
    async read(uri, range) {
      const { bucket, key } = parse(uri)
      return (await storeOf(bucket)).get(key, range === undefined ? undefined : { range })
    },
    async write(uri, chunks) {
      const { bucket, key } = parse(uri)
      return (await storeOf(bucket)).put(key, chunks)
    },
    async remove(uri) {
      const { bucket, key } = parse(uri)
      await (await storeOf(bucket)).remove(key)
    },
    async *list(directory) {
      const { bucket, key } = parse(directory)
      const start = directory.slice(0, directory.length - key.length)
      for await (const { objects, dateMs } of (await storeOf(bucket)).list({ prefix: key })) {
        yield { files: objects.map((one) => ({ uri: start + one.key, bytes: one.size, lastModifiedMs: one.lastModifiedMs })), dateMs }
      }
    },
    async close() {
      for (const store of stores.values()) await (await store).close()
    },
  }
}

function parse(uri: string): { bucket: string | null; key: string } {
  const s3 = /^s3[an]?:\/\/([^/]+)\/(.+)$/s.exec(uri)
  if (s3 !== null) return { bucket: s3[1], key: s3[2] }
  const file = /^file:(?:\/\/)?\/(?!\/)(.+)$/s.exec(uri)
  if (file !== null) return { bucket: null, key: file[1] }
  throw new WorkError(`${uri}: only s3://bucket/key and file:///path can be read and written`, { retry: 'never' })
}
