import type { FileIO } from '../../seams/file-io.ts'
import type { Journal } from '../../seams/journal.ts'
import type { FileKind, UnreachedFile } from './unreached-files.ts'

/** Files that were removed, or would be. */
export interface RemovedFiles {
  readonly files: Readonly<Record<FileKind, number>>
  readonly bytes: number
  /** Those that could not be removed; at least one where it was broken off. */
  readonly left: number
}

/** Removals under way at once. */
const atOnce = 16

/** Removes files; `io` null: counts them alone. One that can not be removed keeps no other back. After `signal` aborts, the rest is left. */
export async function removeFiles(
  found: AsyncIterable<UnreachedFile>,
  io: Pick<FileIO, 'remove'> | null,
  journal: Journal,
  signal?: AbortSignal,
): Promise<RemovedFiles> {
  const files: Record<FileKind, number> = { data: 0, deletes: 0, manifest: 0, manifestList: 0, statistics: 0 }
  let bytes = 0
  let left = 0
  const open = new Set<Promise<void>>()
  const remove = async (file: UnreachedFile): Promise<void> => {
    try {
      await io?.remove(file.path)
      files[file.kind]++
      bytes += file.bytes ?? 0
    } catch (error) {
      if (left++ === 0) journal.warn('a file that nothing names any more could not be removed', { file: file.path, error: error as Error })
    }
  }
  for await (const file of found) {
    if (signal?.aborted === true) {
      left++
      break
    }
    const removal = remove(file).finally(() => open.delete(removal))
    open.add(removal)
    if (open.size >= atOnce) await Promise.race(open)
  }
  await Promise.all(open)
  return { files, bytes, left }
}
