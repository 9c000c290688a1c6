import type { TableMetadata } from './table-metadata.ts'

/** Where a table's files go. All are URIs without a slash at the end. */
type Placed = Pick<TableMetadata, 'location' | 'properties'>

/** Manifests, manifest lists and metadata documents (`write.metadata.path`). */
export function metadataDirectory(table: Placed): string {
  return directory(table, 'write.metadata.path', 'metadata')
}

/** Data files (`write.data.path`). */
export function dataDirectory(table: Placed): string {
  return directory(table, 'write.data.path', 'data')
}

/** Where version `version` of a table's metadata goes; `uuid` makes the name unlike any other attempt's. */
export function metadataFileLocation(table: Placed, version: number, uuid: string): string {
  const compressed = table.properties?.['write.metadata.compression-codec'] === 'gzip' ? '.gz' : ''
  return `${metadataDirectory(table)}/${String(version).padStart(5, '0')}-${uuid}${compressed}.metadata.json`
}

/** Whether a metadata document is gzip-compressed, which only its name says. Old writers put the suffix last. */
export function isGzipMetadata(location: string): boolean {
  return location.endsWith('.gz.metadata.json') || location.endsWith('.metadata.json.gz')
}

/** The version in a metadata document's name; −1 where the name has none, so that the next is 0. */
export function metadataVersion(location: string): number {
  const version = /^(\d{1,9})-/.exec(location.slice(location.lastIndexOf('/') + 1))?.[1]
  return version === undefined ? -1 : Number(version)
}

function directory(table: Placed, property: string, name: string): string {
  const path = table.properties?.[property]
  return path === undefined || path === '' ? `${withoutSlash(table.location)}/${name}` : withoutSlash(path)
}

export function withoutSlash(uri: string): string {
  return uri.replace(/\/+$/, '')
}
