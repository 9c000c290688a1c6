/** Files of the warehouse by full URI (`s3://bucket/key`, `file:///path`), as table metadata names them. Errors are those of the object store. */
export interface FileIO {
  /** The whole file, or `range` of it (`end` exclusive; it may lie beyond the file's end). */
  read(uri: string, range?: { readonly start: number; readonly end: number }): Promise<Uint8Array>
  /** Writes a new file and returns its size in bytes. No name is ever written twice. */
  write(uri: string, chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<number>
  /** Removes a file that nothing refers to any more; one that is gone already is no error. */
  remove(uri: string): Promise<void>
}
