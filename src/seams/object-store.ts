/**
 * Objects by key in one bucket or directory. Drivers: S3, directory, memory.
 *
 * A driver retries what is safe to retry (reads, whole-object puts of a name that nobody else uses) and throws
 * `ObjectNotFound`, `ObjectChanged`, or a `WorkError` that names bucket and key.
 */
export interface ObjectInfo {
  readonly key: string
  readonly size: number
  /** As the store gives it, without the quotes. Opaque: equal means the same bytes. */
  readonly etag: string
  readonly lastModifiedMs: number
  /** S3 storage class where it is not STANDARD (GLACIER, DEEP_ARCHIVE, …). */
  readonly storageClass?: string
}

/** One page of a listing, in ascending order of the keys' UTF-8 bytes. */
export interface ListPage {
  readonly objects: readonly ObjectInfo[]
  /** With a delimiter: the common prefixes, each ending in the delimiter. */
  readonly prefixes: readonly string[]
  /** The store's own clock when it answered (S3: the Date header; a directory: this machine's), ms. */
  readonly dateMs: number
}

export interface ListQuery {
  readonly prefix: string
  /** Only keys after this one, exclusive (S3 StartAfter). With a delimiter, a common prefix counts as a key. */
  readonly startAfter?: string
  readonly delimiter?: string
}

export interface ObjectStore {
  /** Yields pages until the end; a caller that stops early sends no further request. */
  list(query: ListQuery): AsyncIterable<ListPage>
  /**
   * The whole object, or `range` of it (`end` exclusive), in one request. The bytes are the caller's: nobody else holds them.
   * `ifMatch`: throws ObjectChanged unless the object's ETag is that one. ObjectNotFound where there is none.
   */
  get(key: string, options?: { ifMatch?: string; range?: { start: number; end: number }; signal?: AbortSignal }): Promise<Uint8Array>
  /**
   * Takes bytes back that `get` gave and that nobody reads any more, for the next ones. A store that has it gives bytes that begin their
   * buffer, and nobody else has any part of a buffer of a mebibyte or more.
   */
  readonly release?: (bytes: Uint8Array) => void
  /**
   * Writes a new object. `chunks` are consumed once, and each is read before the next one is asked for; large objects go up in parts while
   * they are produced. Returns the size in bytes.
   */
  put(key: string, chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>, options?: { signal?: AbortSignal }): Promise<number>
  /** Releases sockets. */
  close(): Promise<void>
}

/** A store that files may be removed from: the warehouse, never a source. */
export interface WarehouseStore extends ObjectStore {
  /** Removes an object; one that is gone already is no error. */
  remove(key: string): Promise<void>
}

export class ObjectNotFound extends Error {
  override readonly name = 'ObjectNotFound'
}

/** The object's ETag is no longer the one asked for: somebody wrote the key again. */
export class ObjectChanged extends Error {
  override readonly name = 'ObjectChanged'
}
