import { openDocument } from '../../../src/compose.ts'
import type { DataFile } from '../../../src/formats/iceberg/data-file.ts'
import { readManifest } from '../../../src/formats/iceberg/manifest.ts'
import { readManifestList } from '../../../src/formats/iceberg/manifest-list.ts'
import { currentSnapshot, type Snapshot } from '../../../src/formats/iceberg/table-metadata.ts'
import { readRows } from '../../../src/formats/parquet/read-rows.ts'
import type { ProcessorSeams } from '../../../src/service/feed/processor-seams.ts'
import type { FileIO } from '../../../src/seams/file-io.ts'
import type { ObjectInfo } from '../../../src/seams/object-store.ts'
import type { World } from './world.ts'

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

/** What a look at a world's tables and its source came to. */
export interface Audit {
  /** One sentence each; empty: every row there is right and there once, and every file that a snapshot names can be read. */
  readonly problems: readonly string[]
  /** Offsets that are not in the tables. */
  readonly missing: number
  readonly snapshots: number
  /** Key and ETag of every object of the source. */
  readonly source: readonly string[]
  /** Every file that some snapshot names. */
  readonly files: ReadonlySet<string>
}

/** Reads the tables of a world whole, and every file of every snapshot they still have. */
export async function audit({ document }: World, expected: ReadonlyMap<string, string>): Promise<Audit> {
  const { seams, close, source } = await openDocument(document, silent)
  try {
    const left = new Map(expected)
    const problems: string[] = []
    const files = new Set<string>()
    let snapshots = 0
    for (const topic of document.spec.source.topics) {
      const loaded = await seams.catalog.loadTable({ namespace: document.spec.sink.database.split('.'), name: topic })
      if (loaded === null) continue
      const current = currentSnapshot(loaded.metadata)
      const contents = new Map<string, Uint8Array>()
      for (const snapshot of loaded.metadata.snapshots ?? []) {
        snapshots++
        try {
          for (const file of await filesOf(snapshot, seams.io, files))
            if (!contents.has(file.filePath)) contents.set(file.filePath, await sized(file, seams.io))
        } catch (error) {
          problems.push(`snapshot ${snapshot['snapshot-id']}: ${(error as Error).message}`)
        }
      }
      for (const file of current === null ? [] : await filesOf(current, seams.io, files)) {
        const bytes = contents.get(file.filePath)
        if (bytes !== undefined) checkRows(await readRows(bytes, Number(file.recordCount)), left, expected, problems)
      }
    }
    return { problems, missing: left.size, snapshots, source: await listing(seams, source.prefix), files }
  } finally {
    await close()
  }
}

async function filesOf(snapshot: Snapshot, io: FileIO, seen: Set<string>): Promise<DataFile[]> {
  const files: DataFile[] = []
  seen.add(snapshot['manifest-list'])
  for (const manifest of readManifestList(await io.read(snapshot['manifest-list'])).manifests) {
    seen.add(manifest.manifestPath)
    for (const { status, dataFile } of readManifest(await io.read(manifest.manifestPath), manifest).entries) {
      if (status === 2) continue
      seen.add(dataFile.filePath)
      files.push(dataFile)
    }
  }
  return files
}

async function sized(file: DataFile, io: FileIO): Promise<Uint8Array> {
  const bytes = await io.read(file.filePath)
  if (BigInt(bytes.length) !== file.fileSizeInBytes)
    throw new Error(`${file.filePath} has ${bytes.length} bytes, not ${file.fileSizeInBytes}`)
  return bytes
}

/** Takes the rows out of `left`: what is not in there was never written, or stands in the table already. */
function checkRows(
  rows: readonly Record<string, unknown>[],
  left: Map<string, string>,
  expected: ReadonlyMap<string, string>,
  problems: string[],
): void {
  for (const row of rows) {
    const key = `${row.kafka_topic as string}/${row.kafka_partition as number}/${row.kafka_offset as bigint}`
    const value = new TextDecoder().decode(row.value as Uint8Array)
    if (expected.get(key) !== value) problems.push(`${key} has another value than its record`)
    else if (!left.delete(key)) problems.push(`${key} is there more than once`)
  }
}

async function listing({ source }: ProcessorSeams, prefix: string): Promise<string[]> {
  const objects: ObjectInfo[] = []
  for await (const page of source.list({ prefix })) objects.push(...page.objects)
  return objects.map(({ key, etag }) => `${key} ${etag}`)
}
