import { gunzipSync } from 'node:zlib'
import { comparablePath } from '../../formats/iceberg/comparable-path.ts'
import { isGzipMetadata, metadataDirectory, withoutSlash } from '../../formats/iceberg/table-location.ts'
import type { TableMetadata } from '../../formats/iceberg/table-metadata.ts'
import { WorkError } from '../../model/failure.ts'
import type { FileIO, FoundFile } from '../../seams/file-io.ts'
import { documentsOf, type LocatedMetadata } from './reached-files.ts'

/** Metadata documents in a table's own directory that are looked into, the newest of those that it does not name. */
const mostDocuments = 50

/** Metadata documents below a table's location: they tell where other tables are, whatever catalog has them. */
export class Neighbours {
  readonly #location: string
  readonly #own: string
  /** Directories of other tables, comparable, each with a slash at its end. */
  readonly #foreign = new Set<string>()
  #documents: FoundFile[] = []

  constructor(metadata: TableMetadata) {
    this.#location = `${comparablePath(withoutSlash(metadata.location))}/`
    this.#own = `${comparablePath(metadataDirectory(metadata))}/`
  }

  /** A file of the listing. */
  see(file: FoundFile): void {
    if (!/\.metadata\.json(\.gz)?$/.test(file.uri)) return
    const path = comparablePath(file.uri)
    const directory = path.slice(0, path.lastIndexOf('/') + 1)
    if (directory !== this.#own) this.#foreign.add(directory.replace(/metadata\/$/, ''))
    else this.#documents.push(file)
  }

  /** A table that the catalog has beside this one. Throws a WorkError where the two share a location. */
  add(name: string, other: TableMetadata): void {
    for (const place of [other.location, other.properties?.['write.data.path'], other.properties?.['write.metadata.path']]) {
      if (place === undefined || place === '') continue
      const directory = `${comparablePath(withoutSlash(place))}/`
      if (directory === this.#location)
        throw new WorkError(`its location is that of table ${name} too, so whose a file is can not be told`, { retry: 'never' })
      if (directory.startsWith(this.#location)) this.#foreign.add(directory)
    }
  }

  /** Whether a file, by its comparable path, belongs to another table. A document of one that lies right in the location makes all of it foreign. */
  owns(path: string): boolean {
    for (const directory of this.#foreign) if (path.startsWith(directory)) return true
    return false
  }

  /** Throws a WorkError where a metadata document in the table's own directory is another table's. */
  async refuseShared({ metadata, metadataLocation }: LocatedMetadata, io: Pick<FileIO, 'read'>): Promise<void> {
    const named = new Set([...documentsOf(metadata, metadataLocation)].map(comparablePath))
    const others = this.#documents
      .filter(({ uri }) => !named.has(comparablePath(uri)))
      .toSorted((one, other) => other.lastModifiedMs - one.lastModifiedMs)
    for (const { uri } of others.slice(0, mostDocuments)) {
      const uuid = await uuidIn(uri, io)
      if (uuid === null || uuid === metadata['table-uuid']) continue
      throw new WorkError(`its location has files of another table too (${uri} is of table ${uuid}), so whose a file is can not be told`, {
        retry: 'never',
      })
    }
  }
}

async function uuidIn(uri: string, io: Pick<FileIO, 'read'>): Promise<string | null> {
  const bytes = await io.read(uri)
  try {
    const text = new TextDecoder().decode(isGzipMetadata(uri) ? gunzipSync(bytes) : bytes)
    const uuid = (JSON.parse(text) as { 'table-uuid'?: unknown })['table-uuid']
    return typeof uuid === 'string' ? uuid : null
  } catch {
    // Half a document is nobody's.
    return null
  }
}
