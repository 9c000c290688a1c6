import { gunzipSync, gzipSync } from 'node:zlib'
import { parseTableMetadata } from '../../formats/iceberg/parse-table-metadata.ts'
import { isGzipMetadata } from '../../formats/iceberg/table-location.ts'
import { serializeTableMetadata } from '../../formats/iceberg/table-metadata.ts'
import type { TableMetadata } from '../../formats/iceberg/table-metadata.ts'
import { WorkError } from '../../model/failure.ts'

/** Files by URI (`file://`, `s3://`): where a catalog without a server keeps metadata documents. */
export interface MetadataFiles {
  readFile(uri: string): Promise<Uint8Array>
  /** Done when the file is durable: the catalog names it right after. The name is new. */
  writeFile(uri: string, bytes: Uint8Array): Promise<void>
  /** Absent: what `write.metadata.delete-after-commit.enabled` would delete is left to the orphan sweep. */
  deleteFile?(uri: string): Promise<void>
}

/** A document above this size is taken for a mistake; it bounds what a small compressed file can become. */
const maxDocumentBytes = 512 * 1024 * 1024

/** Throws a WorkError that names the document where it is no table metadata. */
export async function readMetadata(files: MetadataFiles, location: string): Promise<TableMetadata> {
  const bytes = await files.readFile(location)
  try {
    const plain = isGzipMetadata(location) ? gunzipSync(bytes, { maxOutputLength: maxDocumentBytes }) : bytes
    return parseTableMetadata(new TextDecoder('utf-8', { fatal: true }).decode(plain), location)
  } catch (error) {
    const message = (error as Error).message
    throw new WorkError(message.startsWith(location) ? message : `${location}: ${message}`, { retry: 'never', cause: error })
  }
}

export async function writeMetadata(files: MetadataFiles, location: string, metadata: TableMetadata): Promise<void> {
  const bytes = new TextEncoder().encode(serializeTableMetadata(metadata))
  await files.writeFile(location, isGzipMetadata(location) ? gzipSync(bytes) : bytes)
}
