import { WorkError } from '../../model/failure.ts'

/** What the file names of unfinished puts start with. Listings do not show them. */
export const temporaryPrefix = '.tmp-'

/**
 * Throws a WorkError unless `key` is the path of a file below the root: parts separated by single slashes, none of them empty,
 * `.`, `..` or the name of an unfinished put.
 */
export function checkKey(root: string, key: string): void {
  const wrong = !key.isWellFormed() || key.includes('\0') || key.split('/').some(isForbidden)
  if (wrong) throw new WorkError(`directory ${root}: ${JSON.stringify(key)} is not a key that a directory can hold`, { retry: 'never' })
}

/** The part of a listing's prefix that names a directory: up to its last slash, that included. Throws as `checkKey` does. */
export function directoryOf(root: string, prefix: string): string {
  const directory = prefix.slice(0, prefix.lastIndexOf('/') + 1)
  if (directory !== '') checkKey(root, directory.slice(0, -1))
  return directory
}

function isForbidden(part: string): boolean {
  return part === '' || part === '.' || part === '..' || part.startsWith(temporaryPrefix)
}
