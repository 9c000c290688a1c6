import type { Dirent } from 'node:fs'
import { opendir, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { ListQuery } from '../../seams/object-store.ts'
import { isGone } from './directory-errors.ts'
import { directoryOf, temporaryPrefix } from './directory-keys.ts'
import { compareKeys } from './key-order.ts'

/** One directory on the way down: what is left of its entries, in listing order; those of directories end in a slash. */
interface Level {
  /** Key of the directory, with its slash; empty for the root. */
  readonly base: string
  readonly names: readonly string[]
  next: number
  /** Real paths of the links that were followed to come here. */
  readonly trail: readonly string[]
}

/**
 * Walks the keys of a listing in ascending order of their UTF-8 bytes, `count` at a time; with a delimiter a directory is
 * one key, which ends in a slash. Reads a directory when it gets there, and none that lies wholly before `startAfter` or
 * outside the prefix.
 *
 * Why the order is right: in one directory, a file compares as its name and a directory as its name with a slash, which is
 * how all keys below it start. No name has a slash, so that none of these is the beginning of another directory's keys.
 */
export async function* walkKeys(root: string, query: ListQuery, count: number): AsyncGenerator<readonly string[]> {
  const base = directoryOf(root, query.prefix)
  const levels: Level[] = [await readLevel(root, base, query, [])]
  let keys: string[] = []
  for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
    if (level.next === level.names.length) {
      levels.pop()
      continue
    }
    const name = level.names[level.next++]
    const key = level.base + name
    if (name.endsWith('/') && query.delimiter === undefined) {
      const trail = await trailInto(root, level, key)
      if (trail !== undefined) levels.push(await readLevel(root, key, query, trail))
      continue
    }
    keys.push(key)
    if (keys.length === count) {
      yield keys
      keys = []
    }
  }
  if (keys.length > 0) yield keys
}

/**
 * The entries of a directory that the listing wants; none where it has vanished. A directory of 300,000 segments is read
 * entry by entry, and only what is wanted is kept.
 */
async function readLevel(root: string, base: string, query: ListQuery, trail: readonly string[]): Promise<Level> {
  const names: string[] = []
  const isWanted = wantedIn(base, query)
  for await (const entry of entriesOf(join(root, base))) {
    if (entry.name.startsWith(temporaryPrefix)) continue
    const name = entry.isFile() ? entry.name : await listedName(join(root, base), entry)
    if (name !== undefined && isWanted(name)) names.push(name)
  }
  return { base, names: names.sort(compareKeys), next: 0, trail }
}

async function* entriesOf(path: string): AsyncGenerator<Dirent> {
  try {
    yield* await opendir(path, { bufferSize: 1024 })
  } catch (error) {
    if (!isGone(error)) throw error
  }
}

/** The name of what is no plain file: with a slash for a directory, through links; undefined for anything else. */
async function listedName(directory: string, entry: Dirent): Promise<string | undefined> {
  if (entry.isDirectory()) return `${entry.name}/`
  if (!entry.isSymbolicLink()) return undefined
  try {
    const target = await stat(join(directory, entry.name))
    if (target.isFile()) return entry.name
    return target.isDirectory() ? `${entry.name}/` : undefined
  } catch (error) {
    if (isGone(error) || (error as NodeJS.ErrnoException).code === 'ELOOP') return undefined
    throw error
  }
}

/** Which names in the directory `base` a listing wants: those that are keys of it, and directories that may hold some. */
function wantedIn(base: string, { prefix, startAfter, delimiter }: ListQuery): (name: string) => boolean {
  const start = prefix.slice(base.length)
  if (startAfter === undefined || !startAfter.startsWith(base)) {
    const allBehind = startAfter !== undefined && compareKeys(base, startAfter) < 0
    return (name) => !allBehind && name.startsWith(start)
  }
  const after = startAfter.slice(base.length)
  return (name) => {
    if (!name.startsWith(start)) return false
    return compareKeys(name, after) > 0 || (delimiter === undefined && name.endsWith('/') && after.startsWith(name))
  }
}

/** The trail below a directory, longer by one where that is a link; undefined where the link leads back to where it came from. */
async function trailInto(root: string, level: Level, key: string): Promise<readonly string[] | undefined> {
  const here = await realpath(join(root, level.base))
  const below = await realpath(join(root, key)).catch(() => undefined)
  if (below === undefined || below === here || `${here}/`.startsWith(`${below}/`) || level.trail.includes(below)) return undefined
  return below.startsWith(`${here}/`) ? level.trail : [...level.trail, below]
}
