import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { gunzipSync, gzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openSqliteCatalog } from '../../../../src/drivers/catalog/sqlite.ts'
import type { SqliteCatalogOptions } from '../../../../src/drivers/catalog/sqlite.ts'
import { systemClock } from '../../../../src/drivers/clock/system.ts'
import { systemEntropy } from '../../../../src/drivers/entropy/system.ts'
import type { Catalog, LoadedTable } from '../../../../src/seams/catalog.ts'
import {
  appendRequirements,
  appendUpdates,
  catalogConformance,
  freeProfile,
  idempotencyKey,
  simpleTable,
} from '../../../conformance/catalog.ts'
import { directoryFiles } from './directory-files.ts'

const table = { namespace: ['db', 'eu'], name: 't' }
const directories: string[] = []
const catalogs: Catalog[] = []

async function directory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'sqlite-catalog-'))
  directories.push(path)
  return path
}

async function open(path: string, options: Partial<SqliteCatalogOptions> = {}): Promise<Catalog> {
  const catalog = await openSqliteCatalog({
    path: join(path, 'catalog.db'),
    warehouse: `${pathToFileURL(join(path, 'warehouse')).href}/`,
    files: directoryFiles,
    clock: systemClock,
    entropy: systemEntropy(systemClock),
    ...options,
  })
  catalogs.push(catalog)
  return catalog
}

const locationOf = (loaded: LoadedTable): string => loaded.metadataLocation ?? ''
const fileOf = (loaded: LoadedTable): string => fileURLToPath(locationOf(loaded))

async function documents(path: string): Promise<number> {
  return (await readdir(join(path, 'warehouse/db.eu/t/metadata'))).length
}

async function closeAll(): Promise<void> {
  for (const catalog of catalogs.splice(0)) await catalog.close()
}

afterAll(async () => {
  for (const path of directories) await rm(path, { recursive: true })
})

catalogConformance('the SQLite catalog', freeProfile, async () => {
  const path = await directory()
  return { catalog: await open(path), other: await open(path), close: closeAll }
})

describe('the SQLite catalog', () => {
  let path: string
  let catalog: Catalog

  beforeEach(async () => {
    path = await directory()
    catalog = await open(path)
    await catalog.ensureNamespace(table.namespace)
  })
  afterEach(closeAll)

  async function load(from = catalog): Promise<LoadedTable> {
    const loaded = await from.loadTable(table)
    if (loaded === null) throw new Error('the table is gone')
    return loaded
  }
  async function append(to = catalog) {
    const { metadata } = await load(to)
    const request = { requirements: appendRequirements(metadata), updates: appendUpdates(metadata), idempotencyKey: idempotencyKey() }
    return to.commitTable(table, request)
  }
  function query(sql: string): Record<string, unknown>[] {
    const database = new DatabaseSync(join(path, 'catalog.db'))
    try {
      return database.prepare(sql).all()
    } finally {
      database.close()
    }
  }

  it('writes the rows that PyIceberg and Java read', async () => {
    await catalog.createTable(table, simpleTable)
    await append()
    expect(query('SELECT * FROM iceberg_tables')).toMatchObject([
      {
        catalog_name: 'default',
        table_namespace: 'db.eu',
        table_name: 't',
        metadata_location: locationOf(await load()),
        previous_metadata_location: expect.stringMatching(/\/00000-[0-9a-f-]{36}\.metadata\.json$/),
        iceberg_type: 'TABLE',
      },
    ])
    expect(query('SELECT namespace, property_key, property_value FROM iceberg_namespace_properties ORDER BY namespace')).toMatchObject([
      { namespace: 'db', property_key: 'exists', property_value: 'true' },
      { namespace: 'db.eu', property_key: 'exists', property_value: 'true' },
    ])
  })

  it('puts a table under warehouse, namespace and name, and its documents under metadata', async () => {
    await catalog.createTable(table, simpleTable)
    const loaded = await load()
    expect(loaded.metadata.location).toBe(`${pathToFileURL(path).href}/warehouse/db.eu/t`)
    expect(locationOf(loaded)).toMatch(new RegExp(`^${loaded.metadata.location}/metadata/00000-[0-9a-f-]{36}\\.metadata\\.json$`))
    await append()
    expect(locationOf(await load())).toContain('/metadata/00001-')
  })

  it('puts a table where it or its namespace is told to be', async () => {
    query(`INSERT INTO iceberg_namespace_properties VALUES ('default', 'db.eu', 'location', '${pathToFileURL(path).href}/own/')`)
    await catalog.createTable(table, simpleTable)
    expect((await load()).metadata.location).toBe(`${pathToFileURL(path).href}/own/t`)
    const location = `${pathToFileURL(path).href}/else/where/`
    const created = await catalog.createTable({ ...table, name: 'u' }, { ...simpleTable, location })
    expect(created).toMatchObject({ table: { metadata: { location: location.slice(0, -1) } } })
  })

  it('honours write.metadata.path and the compression of documents', async () => {
    const properties = { 'write.metadata.path': `${pathToFileURL(path).href}/meta/`, 'write.metadata.compression-codec': 'gzip' }
    await catalog.createTable(table, { ...simpleTable, properties })
    expect((await append()).kind).toBe('committed')
    const loaded = await load()
    expect(locationOf(loaded)).toMatch(/\/meta\/00001-[0-9a-f-]{36}\.gz\.metadata\.json$/)
    expect(JSON.parse(gunzipSync(await readFile(fileOf(loaded))).toString())).toMatchObject({ 'format-version': 2 })
  })

  it('keeps the documents of other writers whole: unknown fields, statistics, references, and names from before', async () => {
    await catalog.createTable(table, simpleTable)
    const loaded = await load()
    const text = (await readFile(fileOf(loaded), 'utf8')).slice(0, -1)
    const foreign = text.replace('"statistics":[]', '"statistics":[{"snapshot-id":9223372036854775806,"x":9007199254740993}]')
    await writeFile(`${fileOf(loaded)}.gz`, gzipSync(`${foreign},"x-future":{"id":-9223372036854775808,"ratio":0.1}}`))
    query(`UPDATE iceberg_tables SET metadata_location = '${locationOf(loaded)}.gz'`)
    await append()
    const written = await readFile(fileOf(await load()), 'utf8')
    expect(written).toContain('"x-future":{"id":-9223372036854775808,"ratio":0.1}')
    expect(written).toContain('"statistics":[{"snapshot-id":9223372036854775806,"x":9007199254740993}]')
  })

  it('uses files that lack the column iceberg_type, and leaves them so', async () => {
    query('ALTER TABLE iceberg_tables DROP COLUMN iceberg_type')
    await catalog.createTable(table, simpleTable)
    expect((await append()).kind).toBe('committed')
    expect((await load(await open(path))).metadata.snapshots).toHaveLength(1)
    expect(Object.keys(query('SELECT * FROM iceberg_tables')[0] ?? {})).not.toContain('iceberg_type')
    query('ALTER TABLE iceberg_tables ADD COLUMN iceberg_type VARCHAR(5)')
    expect((await append()).kind).toBe('committed')
  })

  it('takes a view for no table, and refuses its name', async () => {
    query(`INSERT INTO iceberg_tables VALUES ('default', 'db.eu', 't', 'file:///view.json', NULL, 'VIEW')`)
    expect(await catalog.loadTable(table)).toBeNull()
    await expect(catalog.createTable(table, simpleTable)).rejects.toThrow(/creating db\.eu\.t: the catalog has a view of that name/)
  })

  it('does not see the tables of a catalog of another name', async () => {
    await catalog.createTable(table, simpleTable)
    const other = await open(path, { catalogName: 'other' })
    expect(await other.loadTable(table)).toBeNull()
    await other.ensureNamespace(table.namespace)
    expect((await other.createTable(table, simpleTable)).kind).toBe('created')
  })

  it('loses the race that another commit wins between reading and swapping, and leaves both documents', async () => {
    let interfere: (() => Promise<unknown>) | undefined
    const slow = await open(path, {
      files: {
        ...directoryFiles,
        async writeFile(uri, bytes) {
          await directoryFiles.writeFile(uri, bytes)
          await interfere?.()
        },
      },
    })
    await catalog.createTable(table, simpleTable)
    interfere = () => append()
    expect(await append(slow)).toMatchObject({ kind: 'conflict', reason: expect.stringContaining('another commit came first') })
    expect((await load()).metadata.snapshots).toHaveLength(1)
    expect(await readdir(join(path, 'warehouse/db.eu/t/metadata'))).toHaveLength(3)
  })

  it('does not touch the catalog where the document could not be written', async () => {
    await catalog.createTable(table, simpleTable)
    const broken = await open(path, { files: { ...directoryFiles, writeFile: () => Promise.reject(new Error('disk full')) } })
    const before = await load()
    await expect(append(broken)).rejects.toThrow('disk full')
    expect(await load()).toEqual(before)
  })

  it('waits for a lock of another process, and then gives up without having committed', async () => {
    await catalog.createTable(table, simpleTable)
    const patient = await open(path, { patienceMs: 10_000 })
    const hasty = await open(path, { patienceMs: 100 })
    const blocker = new DatabaseSync(join(path, 'catalog.db'))
    blocker.exec('BEGIN IMMEDIATE')
    await expect(append(hasty)).rejects.toMatchObject({ name: 'WorkError', retry: 'later', message: expect.stringContaining('locked') })
    const waiting = append(patient)
    await systemClock.sleep(100)
    blocker.exec('COMMIT')
    blocker.close()
    expect((await waiting).kind).toBe('committed')
    expect((await load()).metadata.snapshots).toHaveLength(1)
  })

  it('bounds the metadata log, and deletes what falls off only where the table asks for it', async () => {
    await catalog.createTable(table, { ...simpleTable, properties: { 'write.metadata.previous-versions-max': '2' } })
    for (let commits = 0; commits < 4; commits += 1) await append()
    expect((await load()).metadata['metadata-log']).toHaveLength(2)
    expect(await documents(path)).toBe(5)
    const updates = [{ action: 'set-properties' as const, updates: { 'write.metadata.delete-after-commit.enabled': 'true' } }]
    await catalog.commitTable(table, { requirements: [], updates, idempotencyKey: idempotencyKey() })
    expect(await documents(path)).toBe(5)
    await append()
    expect(await documents(path)).toBe(5)
    const { metadata } = await load()
    for (const entry of metadata['metadata-log'] ?? [])
      expect((await directoryFiles.readFile(entry['metadata-file'])).length).toBeGreaterThan(0)
  })

  it('has committed even where an old document can not be deleted', async () => {
    const properties = { 'write.metadata.previous-versions-max': '1', 'write.metadata.delete-after-commit.enabled': 'true' }
    const clumsy = await open(path, { files: { ...directoryFiles, deleteFile: () => Promise.reject(new Error('denied')) } })
    await catalog.createTable(table, { ...simpleTable, properties })
    for (let commits = 0; commits < 3; commits += 1) expect((await append(clumsy)).kind).toBe('committed')
  })

  it('writes nothing for a commit that changes nothing', async () => {
    await catalog.createTable(table, simpleTable)
    const before = await load()
    const outcome = await catalog.commitTable(table, {
      requirements: [],
      updates: [{ action: 'set-properties', updates: {} }],
      idempotencyKey: idempotencyKey(),
    })
    expect(outcome).toMatchObject({ kind: 'committed', table: { metadataLocation: before.metadataLocation } })
  })

  it('refuses a v1 table and a document that is none, naming it', async () => {
    await catalog.createTable(table, simpleTable)
    const loaded = await load()
    await writeFile(fileOf(loaded), '{"format-version":1}')
    await expect(catalog.loadTable(table)).rejects.toThrow(`${locationOf(loaded)}: format version 1 is not supported, only 2 and 3 are`)
    await writeFile(fileOf(loaded), '{"format-ver')
    await expect(catalog.loadTable(table)).rejects.toThrow(`${locationOf(loaded)} is not JSON: it ends too early`)
  })

  it('says which file it can not open', async () => {
    await expect(open(join(path, 'missing'))).rejects.toThrow(/catalog .*missing\/catalog\.db: unable to open database file/)
    await writeFile(join(path, 'text.db'), 'this is not a database, but some text that is long enough')
    await expect(open(path, { path: join(path, 'text.db') })).rejects.toMatchObject({
      retry: 'never',
      message: expect.stringContaining('not a database'),
    })
  })
})
