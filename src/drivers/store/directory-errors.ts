import { WorkError } from '../../model/failure.ts'

/** What someone has to change, by error code; codes that are not here may pass by themselves. */
const remedies: Readonly<Record<string, string>> = {
  EACCES: 'this user may not: change owner or permissions',
  EPERM: 'this user may not: change owner or permissions',
  EROFS: 'the file system is mounted read-only',
  EISDIR: 'there is a directory of that name',
  ENOTDIR: 'a part of the path is a file',
  EEXIST: 'a part of the path is a file',
  ENAMETOOLONG: 'a part of the name is longer than the file system allows',
  ELOOP: 'its symbolic links lead in a circle',
}

/**
 * Carries out a call to the file system. A system error becomes a WorkError that says `cannot <what>`, with the system error
 * as its cause; other errors pass.
 */
export async function fileSystem<T>(what: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException
    if (code === undefined || syscall === undefined) throw error
    const remedy = remedies[code]
    throw new WorkError(`cannot ${what}: ${remedy ?? 'the system answered'} (${code})`, {
      retry: remedy === undefined ? 'later' : 'never',
      cause: error,
    })
  }
}

/** Whether an error says that a path, or a directory on its way, does not exist. */
export function isGone(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | undefined)?.code
  return code === 'ENOENT' || code === 'ENOTDIR'
}
