import { expect, test } from 'vitest'
import { memoryCatalog, type MemoryCatalogOptions } from '../../../src/drivers/catalog/memory.ts'
import { virtualClock } from '../../../src/drivers/clock/virtual.ts'
import { seededEntropy, seededRandom } from '../../../src/drivers/entropy/seeded.ts'
import { uriFiles } from '../../../src/drivers/io/uri-files.ts'
import { memoryJournal } from '../../../src/drivers/journal/memory.ts'
import { countingMeter } from '../../../src/drivers/meter/counting.ts'
import { memoryStore, type MemoryStoreOptions } from '../../../src/drivers/store/memory.ts'
import { WorkError } from '../../../src/model/failure.ts'
import type { Check } from '../../../src/pipeline/doctor/check.ts'
import { watchedFiles } from '../../../src/pipeline/doctor/watched-files.ts'
import { probeTable } from '../../../src/service/doctor/probe-table.ts'
import { load, smallest } from '../spec/documents.ts'

const namespace = ['shop']

interface Faults {
  readonly catalog?: MemoryCatalogOptions['fault']
  readonly store?: MemoryStoreOptions['fault']
  readonly mappings?: readonly object[]
  /** After this line, the program is told to stop. */
  readonly stopAfter?: string
}

/** Probes a world in memory: the lines, and what is left behind. */
async function probe({ catalog: fault, store, stopAfter, mappings }: Faults = {}) {
  const clock = virtualClock()
  const entropy = seededEntropy(seededRandom(3), clock)
  const warehouse = memoryStore({ clock, fault: store })
  const catalog = memoryCatalog({ clock, entropy, warehouse: 's3://lake', fault })
  const document = load(
    smallest((plain) => {
      plain.spec.sink = { database: namespace[0] }
      if (mappings !== undefined) plain.spec.mappings = mappings
    }),
  )
  const io = watchedFiles(uriFiles(async () => warehouse))
  const checks: Check[] = []
  const stop = new AbortController()
  const tell = (check: Check) => {
    checks.push(check)
    if (check.check === stopAfter) stop.abort()
  }
  const seams = { catalog, io, clock, entropy, journal: memoryJournal(), meter: countingMeter() }
  await clock.run(() => probeTable(document, 's3://source/', seams, tell, stop.signal))
  return {
    lines: checks.map(({ check, result }) => `${check} ${result}`),
    checks,
    files: warehouse.keys(),
    tables: () => catalog.listTables(namespace),
  }
}

test('a probe does what run does, and leaves neither table nor files', async () => {
  const { lines, files, tables } = await probe()
  expect(lines).toEqual(['namespace ok', 'create ok', 'write ok', 'read ok', 'load ok', 'commit ok', 'drop ok', 'remove ok'])
  expect(files).toEqual([])
  expect(await tables()).toEqual([])
})

test('a mapping of all topics that partitions and sorts by a column of values is nothing to the probe, which has none', async () => {
  const mappings = [
    { topic: '*', partitionBy: ['day(at)'], sortBy: ['at'], value: { format: 'json', columns: [{ name: 'at', type: 'timestamptz' }] } },
  ]
  const { checks } = await probe({ mappings })
  expect(checks.filter(({ result }) => result !== 'ok')).toEqual([])
})

test('a commit that is refused again and again fails, and the probe is removed', async () => {
  const { lines, files, tables } = await probe({ catalog: ({ kind }) => (kind === 'commit' ? 'conflict' : 'none') })
  expect(lines).toContain('commit failed')
  expect(lines.slice(-2)).toEqual(['drop ok', 'remove ok'])
  expect(files).toEqual([])
  expect(await tables()).toEqual([])
})

test('a table whose creation was answered by nobody is found and dropped', async () => {
  let creates = 0
  const { lines, tables } = await probe({ catalog: ({ kind }) => (kind === 'create' && ++creates === 1 ? 'lost-after' : 'none') })
  expect(lines).toEqual(['namespace ok', 'create failed', 'write skipped', 'read skipped', 'load skipped', 'commit skipped', 'drop ok'])
  expect(await tables()).toEqual([])
})

test('a bucket that takes no files fails the file with the action to allow, and no commit is tried', async () => {
  const denied = new WorkError('cannot put', { retry: 'never', lacking: 'right' })
  const { checks, files, tables } = await probe({ store: (operation) => (operation === 'put' ? denied : undefined) })
  const failures = checks.filter(({ result }) => result === 'failed').map(({ check, advice }) => ({ check, advice }))
  expect(failures).toEqual([{ check: 'write', advice: ['allow s3:PutObject on arn:aws:s3:::lake/shop/*'] }])
  expect(checks).toContainEqual(expect.objectContaining({ check: 'commit', result: 'skipped' }))
  expect(files).toEqual([])
  expect(await tables()).toEqual([])
})

test('told to stop in the middle, it leaves out the rest and removes what it made', async () => {
  const { lines, files, tables } = await probe({ stopAfter: 'write' })
  expect(lines).toEqual(['namespace ok', 'create ok', 'write ok', 'read skipped', 'load skipped', 'commit skipped', 'drop ok', 'remove ok'])
  expect(files).toEqual([])
  expect(await tables()).toEqual([])
})

test('a table that can not be dropped fails, by name', async () => {
  let creates = 0
  const { checks } = await probe({
    catalog: ({ kind }) => (kind === 'create' && ++creates > 1 ? new WorkError('not today', { retry: 'later' }) : 'none'),
  })
  const drop = checks.find(({ check }) => check === 'drop')!
  expect(drop.result).toBe('failed')
  expect(drop.advice[0]).toMatch(/^drop shop\.kafscale_doctor_[0-9a-f]{12}$/)
})
