import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { documentStatuses } from '../../src/compose.ts'
import type { ProcessorDocument } from '../../src/spec/document.ts'
import type { Readiness } from '../../src/model/readiness.ts'
import { killLeftovers, startProgram } from './kill/processes.ts'
import { intoDirectory, SegmentWriter } from './kill/segments.ts'
import { makeWorld, restSink } from './kill/world.ts'
import { type FaultProxy, faultProxy } from './proxy.ts'
import { freePort, install } from './servers.ts'

let root = ''
let proxy: FaultProxy
let broken = false

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'metrics-'))
  const answer = { status: 500, body: '{"error":{"message":"planted","type":"x","code":500}}' }
  proxy = await faultProxy(inject('restCatalogUri'), async (_, forward) => (broken ? answer : forward()))
})
afterAll(async () => {
  killLeftovers()
  await proxy.close()
  await rm(root, { recursive: true, force: true })
})

/** The document with what is served where it says; a process may serve elsewhere. */
function documentWith(document: ProcessorDocument, address: string): ProcessorDocument {
  return { ...document, spec: { ...document.spec, metrics: { address } } }
}

async function until<T>(what: string, look: () => Promise<T | null>): Promise<T> {
  let last: unknown
  for (let i = 0; i < 240; i++) {
    const found = await look().catch((error: unknown) => void (last = error))
    if (found !== null && found !== undefined) return found
    await sleep(500)
  }
  throw new Error(`waited in vain until ${what}`, { cause: last })
}

test('a running process is scraped, says why it is not ready while its catalog fails, and tells the same as status', async () => {
  const writer = new SegmentWriter(intoDirectory(join(root, 'segments')))
  for (let i = 0; i < 3; i++) await writer.append('orders', 0, 5)
  await writer.append('orders', 1, 7)
  const worldAt = (kind: string, uri: string) => {
    const sink = restSink(uri, inject('s3'), 'metrics')
    const source = { directory: join(root, 'segments') }
    return makeWorld(join(root, kind), { topics: ['orders'], source, sink, commitIntervalSeconds: 1 })
  }
  const world = await worldAt('proxied', proxy.url)
  const direct = await worldAt('direct', inject('restCatalogUri'))
  const port = await freePort()
  const running = startProgram(world.file, '--metrics-address', `127.0.0.1:${port}`)
  const get = (path: string) => fetch(`http://127.0.0.1:${port}${path}`)
  const readiness = async () => (await (await get('/readyz')).json()) as Readiness
  const value = async (series: string) => {
    const line = (await (await get('/metrics')).text()).split('\n').find((each) => each.startsWith(`iceberg_processor_${series} `))
    return line === undefined ? null : Number(line.slice(line.lastIndexOf(' ') + 1))
  }
  const table = 'processor="kill",table="orders"'

  await until('all is committed', async () => ((await value(`rows_committed_total{${table}}`)) === 22 ? true : null))
  expect((await get('/readyz')).status).toBe(200)
  expect((await get('/healthz')).status).toBe(200)
  expect(await (await get('/')).text()).toContain('up to date')
  // Each segment twice: once for the sample by which the table was made.
  expect(await value('requests_total{processor="kill",kind="source_get"}')).toBe(8)
  const served = documentWith(world.document, `127.0.0.1:${port}`)
  const [{ service, queue, requests }] = await documentStatuses([served])
  expect(service).toMatchObject({
    away: null,
    queueDepth: 0,
    counted: { requests: { source_get: 8 }, gaps: 0, overlaps: 0, segmentsRewritten: 0 },
  })
  expect(queue).toBeNull()
  expect(requests).toMatchObject({ catalog_load: 1, source_list: expect.any(Number) as number })
  expect(await value('commits_total{processor="kill",outcome="committed"}')).toBeGreaterThan(0)
  expect(await value('tasks_total{processor="kill",outcome="completed"}')).toBeGreaterThan(0)

  broken = true
  for (let i = 0; i < 2; i++) await writer.append('orders', 1, 7)
  const { reasons } = await until('it is not ready', async () => {
    const found = await readiness()
    return found.ready ? null : found
  })
  expect((await get('/readyz')).status).toBe(503)
  expect(reasons[0]).toMatchObject({ processor: 'kill', table: 'orders' })
  expect(reasons[0].reason).toMatch(/500/)
  expect(reasons[0].since).toMatch(/^\d{4}-/)
  expect(await value('ready{processor="kill"}')).toBe(0)

  const [{ tables }] = await documentStatuses([direct.document])
  const behind = tables[0].partitions.find(({ partition }) => partition === 1)!
  const labels = `processor="kill",table="orders",topic="orders",partition="1"`
  expect(behind).toMatchObject({ lagSegments: 2, lagOffsets: 14n })
  expect(await value(`lag_segments{${labels}}`)).toBe(behind.lagSegments)
  expect(await value(`lag_bytes{${labels}}`)).toBe(behind.lagBytes)
  // The newest segment counts as one offset.
  expect(await value(`lag_offsets{${labels}}`)).toBe(8)
  expect(Math.abs((await value(`lag_seconds{${labels}}`))! - behind.lagSeconds!)).toBeLessThan(5)
  expect(await value(`data_file_mean_bytes{${table}}`)).toBeCloseTo(tables[0].meanDataFileBytes!, -1)

  broken = false
  await until('it is ready again', async () => ((await readiness()).ready ? true : null))
  await until('what waited is committed', async () => ((await value(`rows_committed_total{${table}}`)) === 36 ? true : null))
  expect(await value(`lag_offsets{${labels}}`)).toBe(0)
  running.kill('SIGTERM')
  expect((await running.ended).code).toBe(0)
  const [gone] = await documentStatuses([documentWith(direct.document, `127.0.0.1:${port}`)])
  expect(gone.service).toEqual({ address: `127.0.0.1:${port}`, away: 'nobody answers there' })
}, 400_000)

test('a port that is taken ends the start with exit code 1 and says which', async () => {
  const port = new URL(proxy.url).port
  const world = await makeWorld(join(root, 'taken'), {
    topics: ['none'],
    source: { directory: root },
    sink: restSink(proxy.url, inject('s3'), 'metrics'),
  })
  const ended = await startProgram(world.file, '--metrics-address', `127.0.0.1:${port}`).ended
  expect(ended.code).toBe(1)
  expect(ended.log).toContain(`metrics can not be served at 127.0.0.1:${port}: another process listens there`)
}, 120_000)

test("Prometheus' own tool takes the alert rules", async () => {
  await install('promtool')
  const rules = join(import.meta.dirname, '../../deploy/prometheus/alerts.yaml')
  const { stdout } = await promisify(execFile)('promtool', ['check', 'rules', rules])
  expect(stdout).toMatch(/SUCCESS: \d+ rules found/)

  // A table that is fed no more is told of, while another one is, and when none is.
  const waiting = (table: string) => `iceberg_processor_seconds_waiting_for_commit{processor="p", table="${table}"}`
  const runbook = 'docs/runbook.md#icebergprocessornotfed'
  const told = (of: string, labels = {}) => ({
    exp_labels: { severity: 'critical', ...labels },
    exp_annotations: { summary: `No process feeds ${of}`, runbook },
  })
  const tests = {
    rule_files: [rules],
    tests: [
      {
        interval: '1m',
        input_series: [
          { series: waiting('a'), values: '0x30 stale' },
          { series: waiting('b'), values: '0x90 stale' },
        ],
        alert_rule_test: [
          { alertname: 'IcebergProcessorNotFed', eval_time: '35m', exp_alerts: [] },
          { alertname: 'IcebergProcessorNotFed', eval_time: '50m', exp_alerts: [told('a', { processor: 'p', table: 'a' })] },
          {
            alertname: 'IcebergProcessorNotFed',
            eval_time: '10h',
            exp_alerts: [told('any table')],
          },
        ],
      },
    ],
  }
  const file = join(root, 'rules-tests.json')
  await writeFile(file, JSON.stringify(tests))
  expect((await promisify(execFile)('promtool', ['test', 'rules', file])).stdout).toContain('SUCCESS')
}, 300_000)
