import { expect, test } from 'vitest'
import { WorkError } from '../../../src/model/failure.ts'
import { expireTables } from '../../../src/service/maintain/expire-tables.ts'
import { load, type Plain, smallest } from '../spec/documents.ts'
import { batch } from './segments.ts'
import { sourceId, world } from './world.ts'

const mappings = [
  { topic: 'orders', table: 'sales', value: { format: 'binary' } },
  { topic: 'pay*', table: 'payments', value: { format: 'binary' } },
  { topic: '*', value: { format: 'binary' } },
]

test('tables are worked on also when their topics have no segment left, and those of another source are not', async () => {
  const here = world()
  for (const topic of ['orders', 'pay_a', 'clicks']) await here.write({ topic, partition: 0 }, 0n, [batch(0n, 3)])
  await here.runOnce((document) => (document.spec.mappings = mappings))

  const found = async (topics: string[], wanted?: string, id = sourceId) => {
    const document = load(
      smallest((plain: Plain) => {
        plain.spec.source.topics = topics
        plain.spec.sink = { database: 'analytics' }
        plain.spec.mappings = mappings
      }),
    )
    const outcomes = await here.clock.run(() => expireTables(document, wanted, { id, prefix: 'p/' }, here.seams, { dryRun: true }))
    expect(outcomes.filter(({ problem }) => problem !== null)).toEqual([])
    return outcomes.map(({ table }) => table)
  }
  const all = ['analytics.clicks', 'analytics.sales', 'analytics.payments']
  expect(await found(['*'])).toEqual(all)
  for await (const { objects } of here.source.list({ prefix: 'p/' })) for (const { key } of objects) await here.source.remove(key)

  expect((await found(['*'])).sort()).toEqual(all.toSorted())
  expect(await found(['c*'])).toEqual(['analytics.clicks'])
  expect(await found(['*'], undefined, 's3://others/')).toEqual([])
  // Where tables must not be listed, of a glob's topic that is gone only the name tells.
  here.catalog.listTables = () => Promise.reject(new WorkError('no right to list', { retry: 'never' }))
  expect((await found(['*'])).sort()).toEqual(['analytics.payments', 'analytics.sales'])
  expect(await found(['*'], 'clicks')).toEqual(['analytics.clicks'])
  expect(await found(['*'], 'analytics.clicks')).toEqual(['analytics.clicks'])
  expect(await found(['clicks', 'orders'])).toEqual(['analytics.clicks', 'analytics.sales'])
  expect(await found(['*'], 'nothing')).toEqual([])
  expect(await found(['*'], 'clicks', 's3://others/')).toEqual([])
})

test('a store that does not answer is told as that, and not as a file that is lost', async () => {
  const here = world()
  // With this many gaps, the progress lies beside the snapshot.
  for (let i = 0n; i < 300n; i++) await here.write({ topic: 'clicks', partition: 0 }, i * 10n, [batch(i * 10n, 1)])
  await here.runOnce()
  for await (const { objects } of here.source.list({ prefix: 'p/' })) for (const { key } of objects) await here.source.remove(key)
  const read = async (uri: string) => {
    throw new WorkError(`${uri}: the service did not answer`, { retry: 'later' })
  }
  const document = load(
    smallest((plain: Plain) => {
      plain.spec.source.topics = ['*']
      plain.spec.sink = { database: 'analytics' }
    }),
  )
  const seams = { ...here.seams, io: { ...here.io, read } }
  const [{ problem }] = await here.clock.run(() =>
    expireTables(document, 'clicks', { id: sourceId, prefix: 'p/' }, seams, { dryRun: true }),
  )
  expect(problem).toMatch(/snap-.* did not answer$/)
})
