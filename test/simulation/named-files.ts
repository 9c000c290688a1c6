import { readManifest } from '../../src/formats/iceberg/manifest.ts'
import { readManifestList } from '../../src/formats/iceberg/manifest-list.ts'
import type { WarehouseStore } from '../../src/seams/object-store.ts'
import type { SharedCatalog } from './process-catalog.ts'

/** What manifests name; they never change. */
const known = new WeakMap<WarehouseStore, Map<string, readonly string[]>>()

/** Whether a snapshot of the table at `namespace/table/…` names a file of the warehouse, by its key. */
export async function isNamed(key: string, warehouse: WarehouseStore, catalog: SharedCatalog): Promise<boolean> {
  const [namespace, name] = key.split('/')
  const loaded = await catalog.under('none', (shared) => shared.loadTable({ namespace: [namespace], name }))
  const manifests = new Set<string>()
  for (const snapshot of loaded?.metadata.snapshots ?? []) {
    if (keyOf(snapshot['manifest-list']) === key) return true
    for (const path of await named(keyOf(snapshot['manifest-list']), warehouse, listed)) manifests.add(path)
  }
  for (const path of manifests) if (path === key || (await named(path, warehouse, live)).includes(key)) return true
  return false
}

async function named(
  key: string,
  warehouse: WarehouseStore,
  read: (bytes: Uint8Array, key: string) => string[],
): Promise<readonly string[]> {
  const files = known.get(warehouse) ?? new Map<string, readonly string[]>()
  known.set(warehouse, files)
  const paths = files.get(key) ?? read(await warehouse.get(key), key).map(keyOf)
  files.set(key, paths)
  return paths
}

function listed(bytes: Uint8Array): string[] {
  return readManifestList(bytes).manifests.map(({ manifestPath }) => manifestPath)
}

function live(bytes: Uint8Array, key: string): string[] {
  const origin = { manifestPath: key, partitionSpecId: 0, addedSnapshotId: 0n, sequenceNumber: 0n }
  return readManifest(bytes, origin).entries.flatMap(({ status, dataFile }) => (status === 2 ? [] : [dataFile.filePath]))
}

function keyOf(path: string): string {
  return path.replace(/^s3:\/\/warehouse\//, '')
}
