import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest'
import { type Snapshot, currentSnapshot } from '../../src/formats/iceberg/table-metadata.ts'
import { awsPlace, unityPlace } from './catalogs/places.ts'
import { s3tablesProxy } from './catalogs/s3tables.ts'
import { awsKeys } from './catalogs/servers.ts'
import { unityProxy } from './catalogs/unity.ts'
import { addSegment, documentOf, loadMetadata, type Place, restOnS3, runOnce, s3Settings, withCatalog } from './program.ts'
import { type FaultProxy, faultProxy } from './proxy.ts'
import { readTable, writeTable } from './readers.ts'

const hourMs = 3_600_000
const progressKey = 'kafscale.processor.progress'
let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'catalog-keep-alive-'))
  vi.stubEnv('AWS_ACCESS_KEY_ID', awsKeys.accessKeyId)
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', awsKeys.secretAccessKey)
})
afterAll(async () => {
  vi.unstubAllEnvs()
  await rm(directory, { recursive: true, force: true })
})

const behind = () => ({ s3: inject('s3'), restCatalogUri: inject('restCatalogUri') })

async function throughS3Tables(target: string) {
  const proxy = await s3tablesProxy(target, { keys: awsKeys })
  return { close: proxy.close, place: awsPlace(behind(), 's3tables', proxy.endpoint) }
}

/** With keys of the document's: which files are written by is not what this is about. */
async function throughUnity(target: string) {
  const proxy = await unityProxy(target, {})
  const { sink, reader } = unityPlace(behind(), proxy.endpoint)
  const catalog = { ...sink.catalog, accessDelegation: 'none' }
  return { close: proxy.close, place: { sink: { catalog, storage: s3Settings(inject('s3')) }, reader } }
}

/** The catalog, with all that it tells so many hours older than it is. */
async function ageing(): Promise<FaultProxy & { hours: number }> {
  const proxy = await faultProxy(inject('restCatalogUri'), async (_, forward) => {
    const answer = await forward()
    const older = (_text: string, key: string, ms: string) => `${key}${Number(ms) - aged.hours * hourMs}`
    return { ...answer, body: String(answer.body).replaceAll(/("(?:timestamp|last-updated)-ms"\s*:\s*)(\d+)/g, older) }
  })
  const aged = { ...proxy, hours: 0 }
  return aged
}

test.each([
  { name: 's3tables', opened: throughS3Tables },
  { name: 'unity', opened: throughUnity },
])(
  'where $name expires snapshots and compacts by itself, an empty append carries progress on in time',
  { timeout: 300_000 },
  async ({ name, opened }) => {
    const aged = await ageing()
    const { place, close } = await opened(aged.url)
    const source = join(directory, name)
    const database = `keep_alive_${name}_${process.pid}`
    const documentIn = (where: Place) => documentOf({ place: where, source: { directory: source, topics: [name] }, database })
    const [document, itself] = [documentIn(place), documentIn(restOnS3())]
    const add = (from: number) =>
      addSegment(
        source,
        { topic: name, partition: 0 },
        BigInt(from),
        [0, 1, 2].map((i) => ({ value: Buffer.from(`v${from + i}`) })),
      )
    const snapshots = async (): Promise<readonly Snapshot[]> => (await loadMetadata(itself, name)).snapshots ?? []
    /** A run for which all is so many hours older. */
    const runAfter = async (hours: number) => {
      aged.hours = hours
      expect(await runOnce(document)).toMatchObject({ errors: '', ok: true })
    }
    /** As the catalog does by itself: all snapshots but the current one. */
    const expire = () =>
      withCatalog(itself, async (catalog) => {
        const old = (await snapshots()).slice(0, -1).map((snapshot) => snapshot['snapshot-id'])
        const updates = [{ action: 'remove-snapshots', 'snapshot-ids': old } as const]
        const key = '01980000-0000-7000-8000-000000000000'
        const outcome = await catalog.commitTable({ namespace: [database], name }, { requirements: [], updates, idempotencyKey: key })
        expect(outcome.kind).toBe('committed')
      })
    try {
      await add(0)
      await runAfter(0)
      await runAfter(29)
      expect(await snapshots()).toHaveLength(1)
      await runAfter(31)
      expect((await snapshots()).map(({ summary }) => summary['added-records'] ?? '0')).toEqual(['3', '0'])
      await expire()

      await writeTable(place.reader, [database, name], [{ compact: true }])
      expect(currentSnapshot(await loadMetadata(itself, name))?.summary).not.toHaveProperty(progressKey)
      await runAfter(1)
      await expire()
      const left = await loadMetadata(itself, name)
      expect(left.snapshots?.map(({ summary }) => progressKey in summary)).toEqual([true])
      expect(progressKey in (left.properties ?? {})).toBe(name === 's3tables')

      await add(3)
      await runAfter(1)
      const rows = await readTable('pyiceberg', place.reader, [database, name], { select: ['kafka_offset'] })
      expect(rows).toEqual([0, 1, 2, 3, 4, 5].map((offset) => `{"kafka_offset":"${offset}"}`))
    } finally {
      await close()
      await aged.close()
    }
  },
)
