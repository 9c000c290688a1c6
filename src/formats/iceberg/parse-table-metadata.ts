import { parseJson } from '../json/exact.ts'
import { expectInt64, expectInteger, expectList, expectObject, expectString, expectStringMap } from '../json/expect.ts'
import type { JsonObject } from '../json/expect.ts'
import { currentSchema, defaultSpec, mainBranch, refSnapshotId, snapshotById } from './table-metadata.ts'
import type { Snapshot, TableMetadata } from './table-metadata.ts'

/** Format versions that we read and write. */
const oldestVersion = 2
const newestVersion = 3

/**
 * Table metadata from a document: its text, or its value as `parseJson` gave it. `what` names it in messages.
 *
 * Every key is carried; the 64-bit fields that we know become bigint. Throws an Error that names the field where the document is
 * not what the specification says, and for format versions other than 2 and 3.
 */
export function parseTableMetadata(document: unknown, what = 'table metadata'): TableMetadata {
  const value = expectObject(typeof document === 'string' ? parseJson(document, what) : document, what)
  const at = (key: string): string => `${what}: ${key}`
  const version = expectInteger(value['format-version'], at('format-version'))
  checkVersion(version, what)
  for (const key of ['table-uuid', 'location']) expectString(value[key], at(key))
  for (const key of integerKeys) expectInteger(value[key], at(key))
  if (value['properties'] !== undefined) expectStringMap(value['properties'], at('properties'))
  checkNumbered(value, 'schemas', 'schema-id', at)
  checkNumbered(value, 'partition-specs', 'spec-id', at)
  checkNumbered(value, 'sort-orders', 'order-id', at)

  const metadata = {
    ...value,
    'last-sequence-number': expectInt64(value['last-sequence-number'], at('last-sequence-number')),
    ...int64s(value, ['current-snapshot-id'], at),
    ...lists(value, 'snapshots', at, snapshotAt),
    ...lists(value, 'snapshot-log', at, (entry, place) => ({ ...entry, ...int64s(entry, ['snapshot-id'], within(place)) })),
    ...refsAt(value, at),
    ...(version >= 3 ? { 'next-row-id': expectInt64(value['next-row-id'], at('next-row-id')) } : {}),
  } as unknown as TableMetadata
  currentSchema(metadata)
  defaultSpec(metadata)
  checkMain(metadata, what)
  return metadata
}

const integerKeys = [
  'last-updated-ms',
  'last-column-id',
  'current-schema-id',
  'default-spec-id',
  'last-partition-id',
  'default-sort-order-id',
] as const

/** A snapshot from its JSON form, its 64-bit fields bigint. `place` names it in messages. */
export function snapshotAt(value: JsonObject, place: string): Snapshot {
  const at = within(place)
  expectInt64(value['snapshot-id'], at('snapshot-id'))
  expectInteger(value['timestamp-ms'], at('timestamp-ms'))
  if (value['manifest-list'] === undefined && value['manifests'] !== undefined) {
    throw new Error(`${place}: it lists its manifests inline, as the oldest v1 writers did: expire it with the engine that wrote it`)
  }
  expectString(value['manifest-list'], at('manifest-list'))
  return {
    ...value,
    ...int64s(value, ['snapshot-id', 'parent-snapshot-id', 'sequence-number', 'first-row-id', 'added-rows'], at),
    // A snapshot from before an upgrade from v1 may lack it; readers take an empty one for an unknown operation.
    summary: expectStringMap(value['summary'] ?? {}, at('summary')),
  } as unknown as Snapshot
}

function checkVersion(version: number, what: string): void {
  if (version >= oldestVersion && version <= newestVersion) return
  const help = version < oldestVersion ? ': set the table property format-version to 2 with another engine, which upgrades the table' : ''
  throw new Error(`${what}: format version ${version} is not supported, only ${oldestVersion} and ${newestVersion} are${help}`)
}

type Placed = (key: string) => string
const within = (place: string): Placed => {
  return (key) => `${place}.${key}`
}

/** Those of the keys that are there and not null, as bigint. */
function int64s(value: JsonObject, keys: readonly string[], at: Placed): Record<string, bigint> {
  const present = keys.filter((key) => value[key] !== undefined && value[key] !== null)
  return Object.fromEntries(present.map((key) => [key, expectInt64(value[key], at(key))]))
}

function lists<T>(value: JsonObject, key: string, at: Placed, item: (value: JsonObject, place: string) => T): Record<string, readonly T[]> {
  const list = value[key]
  if (list === undefined || list === null) return {}
  return {
    [key]: expectList(list, at(key)).map((entry, index) => {
      const place = at(`${key}[${index}]`)
      return item(expectObject(entry, place), place)
    }),
  }
}

function checkNumbered(value: JsonObject, key: string, idKey: string, at: Placed): void {
  expectList(value[key], at(key)).forEach((entry, index) => {
    const place = at(`${key}[${index}]`)
    const numbered = expectObject(entry, place)
    expectInteger(numbered[idKey], `${place}.${idKey}`)
    expectList(numbered['fields'], `${place}.fields`)
  })
}

function refsAt(value: JsonObject, at: Placed): Record<string, unknown> {
  if (value['refs'] === undefined || value['refs'] === null) return {}
  const refs = Object.entries(expectObject(value['refs'], at('refs'))).map(([name, entry]) => {
    const place = at(`refs.${name}`)
    const ref = expectObject(entry, place)
    expectString(ref['type'], `${place}.type`)
    return [name, { ...ref, 'snapshot-id': expectInt64(ref['snapshot-id'], `${place}.snapshot-id`) }]
  })
  return { refs: Object.fromEntries(refs) }
}

/** The current snapshot is in the document. The specification has `current-snapshot-id` and the branch `main` be the same; which of the two to believe is not ours to guess. */
function checkMain(metadata: TableMetadata, what: string): void {
  const main = refSnapshotId(metadata, mainBranch)
  const current = refSnapshotId({ ...metadata, refs: undefined }, mainBranch)
  if (main !== null && snapshotById(metadata, main) === undefined) throw new Error(`${what}: its current snapshot, ${main}, is not in it`)
  if (main !== current) throw new Error(`${what}: branch main names snapshot ${main}, and current-snapshot-id is ${current ?? 'absent'}`)
}
