import { stringifyJson } from '../../formats/json/exact.ts'
import { DocumentError } from '../../model/failure.ts'
import type { ObjectStore } from '../../seams/object-store.ts'
import type { ExitCode } from '../command.ts'
import type { Terminal } from '../terminal.ts'
import { formatBytes } from '../units.ts'
import { readPartition } from './deep-report.ts'
import { type Listing, listPrefix } from './listing.ts'
import { isSound, type PartitionReport, type PrefixFacts, prefixJson, showPrefix } from './prefix-text.ts'

/** How a prefix is to be looked at. */
export interface PrefixOptions {
  /** Whether every segment is read. */
  readonly deep: boolean
  readonly json: boolean
}

/** Looks at everything under a prefix. Throws a DocumentError where nothing is there. */
export async function inspectPrefix(store: ObjectStore, facts: PrefixFacts, options: PrefixOptions, terminal: Terminal): Promise<ExitCode> {
  const listing = await list(store, facts.prefix, terminal)
  if (listing.partitions.length === 0 && listing.foreign.count === 0) {
    throw new DocumentError(`expected segments under ${facts.name}, found no object`)
  }
  const partitions = options.deep ? await readAll(store, listing, terminal) : listing.partitions.map((one) => ({ ...one, deep: null }))
  if (options.json) terminal.out(stringifyJson(prefixJson(facts, partitions, listing.foreign)))
  else showPrefix(facts, partitions, listing.foreign, terminal)
  return partitions.every(({ deep }) => deep === null || isSound(deep)) ? 0 : 1
}

async function list(store: ObjectStore, prefix: string, terminal: Terminal): Promise<Listing> {
  const progress = terminal.progress('objects listed:')
  try {
    return await listPrefix(store, prefix, (objects) => progress.update(objects))
  } finally {
    progress.stop()
  }
}

async function readAll(store: ObjectStore, { partitions }: Listing, terminal: Terminal): Promise<PartitionReport[]> {
  const progress = terminal.progress('reading', formatBytes)
  const total = partitions.reduce((sum, { segments }) => sum + segments.reduce((bytes, { size }) => bytes + size, 0), 0)
  const reports: PartitionReport[] = []
  let done = 0
  try {
    for (const partition of partitions) {
      const deep = await readPartition(store, partition, (bytes) => progress.update((done += bytes), total))
      reports.push({ ...partition, deep })
    }
  } finally {
    progress.stop()
  }
  return reports
}
