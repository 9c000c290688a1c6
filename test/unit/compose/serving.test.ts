import { afterEach, expect, test } from 'vitest'
import { openServing, type Serving } from '../../../src/compose/serving.ts'
import { documentHealth } from '../../support/health.ts'
import { load, smallest } from '../spec/documents.ts'

let serving: Serving | undefined

afterEach(async () => serving?.close())

function document(name: string, address?: string) {
  return load(
    smallest((plain) => {
      plain.metadata.name = name
      if (address !== undefined) plain.spec.metrics = { address }
    }),
  )
}

async function metricsAt(port: number): Promise<string> {
  return (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
}

test('documents with one address share a server, others have their own, and those without are only counted', async () => {
  const [a, b, c, d] = [document('a', '127.0.0.1:0'), document('b', '127.0.0.1:0'), document('c', 'localhost:0'), document('d')]
  serving = await openServing([a, b, c, d], undefined, () => [])
  expect(serving.addresses.map(({ address }) => address)).toEqual(['127.0.0.1:0', 'localhost:0'])
  for (const one of [a, b, c, d]) serving.meter(one).add('gaps', 1, { table: 't' })
  const shared = await metricsAt(serving.addresses[0].port)
  expect(shared).toContain('gaps_total{processor="a",table="t"} 1')
  expect(shared).toContain('gaps_total{processor="b",table="t"} 1')
  expect(shared).not.toContain('processor="c"')
  expect(serving.meter(d).totals().get('gaps') ?? 0).toBe(0)
})

test('the address of the command line counts instead of all others', async () => {
  serving = await openServing([document('a', '127.0.0.1:1'), document('b')], '127.0.0.1:0', () => [])
  expect(serving.addresses).toHaveLength(1)
  const answer = await fetch(`http://127.0.0.1:${serving.addresses[0].port}/readyz`)
  expect([answer.status, (await answer.json()) as object]).toMatchObject([
    503,
    { ready: false, reasons: [{ processor: 'a' }, { processor: 'b' }] },
  ])
})

test('a document is starting until its processor tells its health', async () => {
  const one = document('a', '127.0.0.1:0')
  serving = await openServing([one], undefined, () => [])
  const url = `http://127.0.0.1:${serving.addresses[0].port}`
  expect((await fetch(`${url}/readyz`)).status).toBe(503)
  expect((await fetch(`${url}/healthz`)).status).toBe(200)
  serving.watch(one, () => documentHealth([], { processor: 'a' }))
  expect((await fetch(`${url}/readyz`)).status).toBe(200)
})

test('an address that can not be listened on leaves no other server behind', async () => {
  serving = await openServing([document('a', '127.0.0.1:0')], undefined, () => [])
  const taken = `127.0.0.1:${serving.addresses[0].port}`
  await expect(openServing([document('b', '127.0.0.1:0'), document('c', taken)], undefined, () => [])).rejects.toThrow(
    'another process listens there',
  )
})
