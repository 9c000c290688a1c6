import type { FileIO } from '../../seams/file-io.ts'
import type { StoreAction } from './advice.ts'

/** A request for a file that failed. */
export interface FileFailure {
  readonly action: StoreAction
  readonly uri: string
  readonly error: unknown
}

/** Files, with a memory of what was written and of what failed last. */
export interface WatchedFiles extends FileIO {
  /** What was written, or may have been. */
  readonly written: ReadonlySet<string>
  /** The failure that this error is; undefined where no request for a file threw it. */
  failureOf(error: unknown): FileFailure | undefined
}

export function watchedFiles(files: FileIO): WatchedFiles {
  const written = new Set<string>()
  const failures: FileFailure[] = []

  async function watched<T>(action: StoreAction, uri: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      failures.push({ action, uri, error })
      throw error
    }
  }

  return {
    written,
    failureOf: (error) => failures.find((failure) => failure.error === error),
    read: (uri, range) => watched('s3:GetObject', uri, () => files.read(uri, range)),
    async write(uri, chunks) {
      written.add(uri)
      return watched('s3:PutObject', uri, () => files.write(uri, chunks))
    },
    remove: (uri) => watched('s3:DeleteObject', uri, () => files.remove(uri)),
  }
}
