import { expect, test } from 'vitest'
import { prometheusExposition } from '../../../../src/drivers/meter/prometheus.ts'
import { counters, metrics } from '../../../../src/seams/metrics.ts'

async function series(exposition: ReturnType<typeof prometheusExposition>): Promise<string[]> {
  return (await exposition.text()).split('\n').filter((line) => line.startsWith('iceberg_processor_'))
}

test('each dotted name counts in its metric, with the labels that it stands for', async () => {
  const exposition = prometheusExposition()
  const meter = exposition.meter('shop')
  meter.add('store.source.get.requests', 3)
  meter.add('store.source.list.pages')
  meter.add('rows.committed', 5, { table: 'orders' })
  expect(await series(exposition)).toEqual(
    expect.arrayContaining([
      'iceberg_processor_requests_total{processor="shop",kind="source_get"} 3',
      'iceberg_processor_requests_total{processor="shop",kind="source_list"} 1',
      'iceberg_processor_rows_committed_total{processor="shop",table="orders"} 5',
    ]),
  )
  expect(Object.fromEntries(meter.totals())).toEqual({ 'store.source.get.requests': 3, 'store.source.list.pages': 1, 'rows.committed': 5 })
})

test('documents of one process are told apart, and every metric has its type and help from the start', async () => {
  const exposition = prometheusExposition()
  exposition.meter('a').add('gaps', 1, { table: 't' })
  exposition.meter('b').add('gaps', 2, { table: 't' })
  const text = await exposition.text()
  expect(text).toContain('iceberg_processor_gaps_total{processor="a",table="t"} 1')
  expect(text).toContain('iceberg_processor_gaps_total{processor="b",table="t"} 2')
  for (const [name, { kind, help }] of Object.entries(metrics)) {
    expect(text).toContain(`# HELP iceberg_processor_${name} ${help}\n# TYPE iceberg_processor_${name} ${kind}\n`)
  }
  expect(text).toContain('process_resident_memory_bytes ')
})

test('gauges are read when somebody looks, and what is gone has no series', async () => {
  const exposition = prometheusExposition()
  let depth = 1
  const end = exposition.meter('shop').watch(() => (depth === 0 ? [] : [{ name: 'queue_depth', value: depth }]))
  depth = 7
  expect(await series(exposition)).toContain('iceberg_processor_queue_depth{processor="shop"} 7')
  depth = 0
  expect(await series(exposition)).toEqual([])
  depth = 3
  end()
  expect(await series(exposition)).toEqual([])
})

test('sizes fall into buckets', async () => {
  const exposition = prometheusExposition()
  for (const size of [1000, 70_000, 2_000_000_000]) exposition.meter('shop').observe('data_file_bytes', size, { table: 't' })
  const lines = await series(exposition)
  expect(lines).toContain('iceberg_processor_data_file_bytes_bucket{le="65536",processor="shop",table="t"} 1')
  expect(lines).toContain('iceberg_processor_data_file_bytes_bucket{le="262144",processor="shop",table="t"} 2')
  expect(lines).toContain('iceberg_processor_data_file_bytes_count{processor="shop",table="t"} 3')
})

test('names are as the field writes them, and labels are of bounded kinds', () => {
  const units = /(?:^seconds_|_(?:total|seconds|bytes|offsets|segments|depth)$)/
  const states = /^(?:partitions(?:_.*)?|table_stopped|tasks_in_flight|results_waiting|ready)$/
  for (const [name, { kind, labels }] of Object.entries(metrics)) {
    expect(name).toMatch(kind === 'counter' ? /_total$/ : units.test(name) ? units : states)
    for (const label of labels) expect(['table', 'topic', 'partition', 'kind', 'outcome', 'step']).toContain(label)
  }
  for (const { metric, labels } of Object.values(counters)) {
    for (const label of Object.keys(labels)) expect(metrics[metric].labels).toContain(label)
  }
})
