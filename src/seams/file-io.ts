/** Files of the warehouse by full URI (`s3://bucket/key`, `file:///path`), as table metadata names them. Errors are those of the object store. */
export interface FileIO {
  /** The whole file, or `range` of it (`end` exclusive; it may lie beyond the file's end). */
  read(uri: string, range?: { readonly start: number; readonly end: number }): Promise<Uint8Array>
  /** Writes a new file and returns its size in bytes. No name is ever written twice. */
  write(uri: string, chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<number>
  /** Removes a file that nothing refers to any more; one that is gone already is no error. */
  remove(uri: string): Promise<void>
}

/** A file that a listing shows. */
export interface FoundFile {
  readonly uri: string
  readonly bytes: number
  readonly lastModifiedMs: number
}

/** One page of a listing. */
export interface FilePage {
  readonly files: readonly FoundFile[]
  /** The store's own clock when it answered, ms. */
  readonly dateMs: number
}

/** Files that can also be found without their names: what nothing names any more is looked for by listing. */
export interface ListedFiles extends FileIO {
  /** All files below a directory, whose URI ends in a slash, in the order of the store. Unfinished files of the store itself are not shown. */
  list(directory: string): AsyncIterable<FilePage>
}
