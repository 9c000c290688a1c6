import { comparablePath } from '../../formats/iceberg/comparable-path.ts'
import { withoutSlash } from '../../formats/iceberg/table-location.ts'
import { currentSnapshot, type TableMetadata } from '../../formats/iceberg/table-metadata.ts'
import { WorkError } from '../../model/failure.ts'
import type { Catalog, LoadedTable, TableIdentifier } from '../../seams/catalog.ts'
import type { FoundFile, ListedFiles } from '../../seams/file-io.ts'
import type { Journal } from '../../seams/journal.ts'
import { ObjectNotFound } from '../../seams/object-store.ts'
import { Neighbours } from '../../pipeline/maintain/neighbours.ts'
import { takeOutReached } from '../../pipeline/maintain/reached-files.ts'
import { removeFiles } from '../../pipeline/maintain/remove-files.ts'

export interface SweepSeams {
  readonly catalog: Catalog
  readonly io: ListedFiles
  readonly journal: Journal
}

/** Files below a table's location that nothing names. */
export interface SweepReport {
  /** Files that the listing showed. */
  readonly listed: number
  readonly orphans: number
  /** Their size. */
  readonly bytes: number
  readonly removed: number
  /** Orphans that could not be removed, and those that one sweep is not for. */
  readonly left: number
  /** To the object store, to find them and to remove them: the removals too where they were only looked for. */
  readonly requests: { readonly lists: number; readonly gets: number; readonly deletes: number }
  /** Some of the orphans, in the order of the listing. */
  readonly examples: readonly string[]
}

/** A file that is not named may be named soon: results are committed up to 12 hours after their task began. */
export const shortestSafeAgeMs = 24 * 3_600_000

/** Files held at once while it is looked whether the table names them; of more, its manifests are read once for each so many. */
const maxHeld = 100_000
/** One sweep is for so many orphans; the next takes the rest. */
const maxOrphans = 100_000
const maxExamples = 100
const maxAttempts = 3

/**
 * Finds the files below a table's location that are older than `olderThanMs` by the store's own clock and that the table, loaded after they were
 * listed, does not name; with `remove`, removes them. Not looked at are names that begin with `_` or `.`, as everywhere in this ecosystem, and
 * directories of other tables. Throws a WorkError where it can not be told whose the files are, or where what the table names can not be read.
 */
export async function sweepOrphans(
  table: TableIdentifier,
  { olderThanMs, remove, signal }: { readonly olderThanMs: number; readonly remove: boolean; readonly signal?: AbortSignal },
  seams: SweepSeams,
): Promise<SweepReport> {
  const name = [...table.namespace, table.name].join('.')
  try {
    return await sweep(table, Math.max(olderThanMs, shortestSafeAgeMs), remove, seams, signal)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    const retry = error instanceof WorkError ? error.retry : 'later'
    throw new WorkError(`table ${name}: orphans are not looked for: ${reason}`, { retry, cause: error })
  }
}

async function sweep(
  table: TableIdentifier,
  olderThanMs: number,
  remove: boolean,
  seams: SweepSeams,
  signal?: AbortSignal,
): Promise<SweepReport> {
  const requests = { lists: 0, gets: 0 }
  const io = counted(seams.io, requests)
  const catalog = countedLoads(seams.catalog, requests)
  // Whoever asks for this has looked whether there is such a table.
  if (catalog !== seams.catalog) requests.gets++
  const { metadata } = await load(table, { catalog })
  refuse(metadata, catalog)
  const neighbours = new Neighbours(metadata)
  const orphans = new Map<string, FoundFile>()
  let held = new Map<string, FoundFile>()
  let [listed, beyond] = [0, 0]
  const settle = async () => {
    await takeOutNamed(table, held, { ...seams, catalog, io })
    for (const [path, file] of held) {
      if (orphans.size < maxOrphans) orphans.set(path, file)
      else beyond++
    }
    held = new Map()
  }
  const directory = `${withoutSlash(metadata.location)}/`
  for await (const { files, dateMs } of io.list(directory)) {
    signal?.throwIfAborted()
    for (const file of files) {
      listed++
      neighbours.see(file)
      if (isHidden(file.uri.slice(directory.length)) || dateMs - file.lastModifiedMs <= olderThanMs) continue
      held.set(comparablePath(file.uri), file)
    }
    if (held.size >= maxHeld) await settle()
  }
  await settle()
  const loaded = await load(table, { catalog })
  await refuseStrangeListing(loaded.metadata, directory, io)
  await neighbours.refuseShared(loaded, io)
  await addNeighbours(table, neighbours, { catalog })
  for (const path of orphans.keys()) if (neighbours.owns(path)) orphans.delete(path)
  // What was found first was looked for long ago, in a large table.
  await takeOutNamed(table, orphans, { ...seams, catalog, io })
  const found = [...orphans.values()]
  const report = {
    listed,
    orphans: found.length + beyond,
    bytes: found.reduce((sum, { bytes }) => sum + bytes, 0),
    requests: { ...requests, deletes: found.length },
    examples: found.slice(0, maxExamples).map(({ uri }) => uri),
  }
  if (!remove) return { ...report, removed: 0, left: report.orphans }
  const { files, left } = await removeFiles(asFiles(found), io, seams.journal, signal)
  return { ...report, removed: files.data, left: left + beyond }
}

/**
 * Takes out what the table names now: it is loaded after what is held was listed, so what was committed meanwhile is seen to be named. An expiry
 * that comes in between takes files away while they are read: then it is looked at again.
 */
async function takeOutNamed(table: TableIdentifier, held: Map<string, FoundFile>, seams: SweepSeams): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await takeOutReached(held, withDocuments(await load(table, seams), held), seams.io)
    } catch (error) {
      if (!(error instanceof ObjectNotFound) || attempt === maxAttempts) throw error
    }
  }
}

/** Where a catalog does not tell where the table's metadata lies, every metadata document might be it. */
function withDocuments(loaded: LoadedTable, held: Map<string, unknown>): LoadedTable {
  if (loaded.metadataLocation === undefined) for (const path of held.keys()) if (path.endsWith('.metadata.json')) held.delete(path)
  return loaded
}

async function load(table: TableIdentifier, { catalog }: Pick<SweepSeams, 'catalog'>): Promise<LoadedTable> {
  const loaded = await catalog.loadTable(table, { fresh: true })
  if (loaded === null) throw new WorkError('it does not exist', { retry: 'never' })
  return loaded
}

function refuse(metadata: TableMetadata, { profile }: Catalog): void {
  const no = (reason: string) => {
    throw new WorkError(reason, { retry: 'never' })
  }
  if (profile.ownUpkeep !== undefined) no(`${profile.ownUpkeep} removes them by itself`)
  if (metadata.properties?.['gc.enabled']?.toLowerCase() === 'false') no('it says gc.enabled=false: other tables may share its files')
  if (metadata['format-version'] < 2) no('it is of format version 1')
  if (comparablePath(withoutSlash(metadata.location)).length <= 1) no(`its location ${metadata.location} is a whole bucket`)
}

/** A listing that does not show the file that the table has just named is of another place, and so is everything else in it. */
async function refuseStrangeListing(metadata: TableMetadata, directory: string, io: ListedFiles): Promise<void> {
  const list = currentSnapshot(metadata)?.['manifest-list']
  if (list === undefined || !comparablePath(list).startsWith(comparablePath(directory))) return
  const folder = list.slice(0, list.lastIndexOf('/') + 1)
  for await (const { files } of io.list(folder)) if (files.some(({ uri }) => comparablePath(uri) === comparablePath(list))) return
  throw new WorkError(`a listing of ${folder} does not show ${list}, which the table names`, { retry: 'later' })
}

async function addNeighbours(table: TableIdentifier, neighbours: Neighbours, { catalog }: Pick<SweepSeams, 'catalog'>): Promise<void> {
  for (const name of await catalog.listTables(table.namespace)) {
    if (name === table.name) continue
    const other = await catalog.loadTable({ namespace: table.namespace, name })
    if (other !== null) neighbours.add(name, other.metadata)
  }
}

function isHidden(path: string): boolean {
  return path.split('/').some((part) => part.startsWith('_') || part.startsWith('.')) || path.endsWith('version-hint.text')
}

/** The same files, with what is asked of the store counted. */
function counted(io: ListedFiles, requests: { lists: number; gets: number }): ListedFiles {
  return {
    read(uri, range) {
      requests.gets++
      return io.read(uri, range)
    },
    async *list(directory) {
      for await (const page of io.list(directory)) {
        requests.lists++
        yield page
      }
    },
    write: (uri, chunks) => io.write(uri, chunks),
    remove: (uri) => io.remove(uri),
  }
}

/** The same catalog, with the metadata documents counted that loading tables reads where this program itself keeps them, for want of a catalog's server. */
function countedLoads(catalog: Catalog, requests: { gets: number }): Catalog {
  if (catalog.profile.removesMetadata !== true) return catalog
  return {
    ...catalog,
    loadTable(...asked) {
      requests.gets++
      return catalog.loadTable(...asked)
    },
  }
}

async function* asFiles(found: readonly FoundFile[]): AsyncGenerator<{ path: string; kind: 'data'; bytes: number }> {
  for (const { uri, bytes } of found) yield { path: uri, kind: 'data', bytes }
}
