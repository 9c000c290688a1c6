import { mkdir, open, rename, unlink } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { ObjectStore } from '../../seams/object-store.ts'
import { fileSystem } from './directory-errors.ts'
import { temporaryPrefix } from './directory-keys.ts'

/**
 * Writes a file so that it is there whole or not at all, also after a power failure: a temporary name beside it, fsync,
 * rename, fsync of the directory. Makes missing directories. Returns the size in bytes. A process that is killed leaves its
 * temporary file.
 */
export async function writeFileWhole(
  root: string,
  key: string,
  uuid: string,
  chunks: Parameters<ObjectStore['put']>[1],
  signal?: AbortSignal,
): Promise<number> {
  const what = `write ${key} in directory ${root}`
  const path = join(root, key)
  const temporary = join(dirname(path), temporaryPrefix + uuid)
  const file = await fileSystem(what, async () => {
    await makeDirectory(dirname(path))
    return open(temporary, 'wx')
  })
  try {
    const size = await writeChunks(file, what, chunks, signal).finally(() => file.close())
    await fileSystem(what, () => rename(temporary, path))
    await fileSystem(what, () => syncDirectory(dirname(path)))
    return size
  } catch (error) {
    // After a rename there is nothing of that name; the first error is the one to tell.
    await unlink(temporary).catch(() => {})
    throw error
  }
}

async function writeChunks(
  file: FileHandle,
  what: string,
  chunks: Parameters<ObjectStore['put']>[1],
  signal?: AbortSignal,
): Promise<number> {
  let size = 0
  for await (const chunk of chunks) {
    signal?.throwIfAborted()
    await fileSystem(what, () => file.writeFile(chunk))
    size += chunk.length
  }
  signal?.throwIfAborted()
  await fileSystem(what, () => file.sync())
  return size
}

/** Makes a directory and its missing parents, and makes each new entry durable in the directory above it. */
async function makeDirectory(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true })
  if (first === undefined) return
  for (let made = path; made.length >= first.length; made = dirname(made)) await syncDirectory(dirname(made))
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}
