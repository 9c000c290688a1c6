import type { DataFile } from '../../../../src/formats/iceberg/data-file.ts'
import type { NestedField } from '../../../../src/formats/iceberg/schema.ts'
import type { TableMetadata } from '../../../../src/formats/iceberg/table-metadata.ts'
import type { LiveDelete, LiveFile, RewriteGroup, RewriteResult } from '../../../../src/pipeline/maintain/rewrite-flow.ts'
import { rewriteGroup, type RewriteTarget } from '../../../../src/service/tasks/rewriter.ts'

type Io = RewriteTarget['io']

/** Files in memory. */
export function memoryFiles(): { io: Io; files: Map<string, Uint8Array> } {
  const files = new Map<string, Uint8Array>()
  return {
    files,
    io: {
      async read(uri, range) {
        const bytes = files.get(uri)
        if (bytes === undefined) throw new Error(`there is no ${uri}`)
        return bytes.slice(range?.start, range?.end)
      },
      async write(uri, chunks) {
        const parts: Uint8Array[] = []
        for await (const chunk of chunks) parts.push(chunk.slice())
        files.set(uri, Uint8Array.from(Buffer.concat(parts)))
        return files.get(uri)!.length
      },
      async remove(uri) {
        files.delete(uri)
      },
    },
  }
}

export function liveFile(filePath: string, bytes: Uint8Array, rows: number, more: Partial<DataFile> = {}): LiveFile {
  const file: DataFile = {
    content: 0,
    filePath,
    fileFormat: 'PARQUET',
    partition: [],
    recordCount: BigInt(rows),
    fileSizeInBytes: BigInt(bytes.length),
    ...more,
  }
  return { file, specId: 0, sequenceNumber: 5n, fileSequenceNumber: 5n, snapshotId: 1n }
}

export function groupOf(inputs: readonly (LiveFile | { live: LiveFile; deletes: readonly LiveDelete[] })[]): RewriteGroup {
  const all = inputs.map((input) => ('live' in input ? input : { live: input, deletes: [] }))
  return { specId: 0, partition: [], inputs: all, sequenceNumber: 9n }
}

/** Table metadata, as far as a rewrite looks at it. */
export function tableOf(fields: readonly NestedField[], more: Partial<TableMetadata> = {}): TableMetadata {
  const schema = { type: 'struct' as const, 'schema-id': 0, fields }
  return {
    'format-version': 2,
    'table-uuid': '',
    location: 'memory://t',
    'last-sequence-number': 9n,
    'last-updated-ms': 0,
    'last-column-id': 1000,
    schemas: [schema],
    'current-schema-id': 0,
    'partition-specs': [{ 'spec-id': 0, fields: [] }],
    'default-spec-id': 0,
    'last-partition-id': 999,
    'sort-orders': [],
    'default-sort-order-id': 0,
    ...more,
  }
}

/** What rewrites a small group. */
export function targetOf(io: Io, more: Partial<RewriteTarget> = {}): RewriteTarget {
  let names = 0
  return {
    io,
    sortOrder: null,
    rowGroupBytes: 16 * 1024 * 1024,
    targetFileSizeBytes: 512 * 1024 * 1024,
    memoryLimitBytes: 256 * 1024 * 1024,
    newLocation: () => `memory://out/${names++}.parquet`,
    signal: new AbortController().signal,
    ...more,
  }
}

/** Rewrites a group of a table that has fields. */
export function rewrite(
  group: RewriteGroup,
  fields: readonly NestedField[],
  io: Io,
  more: Partial<TableMetadata> = {},
): Promise<RewriteResult> {
  return rewriteGroup(group, tableOf(fields, more), targetOf(io))
}
