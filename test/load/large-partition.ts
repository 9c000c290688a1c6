import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ProcessUsage, usagePreload } from '../bench/usage.ts'
import { sqliteSink } from '../bench/service.ts'
import { check, report } from './findings.ts'
import { startListingServer } from './listing-server.ts'
import { usedBy } from './process-usage.ts'
import { loadDocument, startService } from './service-process.ts'

/**
 * What planning costs where one partition has very many segments: `plan`, which looks at all of them, and the first round of the service
 * until it asks for its first segment.
 */
const segments = Number(process.argv[2] ?? 300_000)
const goal = { cpuSeconds: 10, peakMegabytes: 300 }

const directory = await mkdtemp(join(tmpdir(), 'large-'))
const server = await startListingServer({ topic: 'orders', segments, recordsPerSegment: 20 })
try {
  const access = { endpoint: server.endpoint, pathStyle: true, region: 'us-east-1', accessKeyId: 'a', secretAccessKey: 'b' }
  const document = loadDocument(['orders'], { s3: { bucket: 'large', prefix: 'segments/', ...access } }, sqliteSink(directory))

  const usageFile = join(directory, 'usage.json')
  process.env.BENCH_USAGE = usageFile
  const planned = await startService(['plan', '--json'], directory, document, undefined, ['--import', usagePreload])
  if ((await planned.ended) !== 0) throw new Error(`plan failed:\n${planned.tail()}`)
  delete process.env.BENCH_USAGE
  const plan = JSON.parse(await readFile(usageFile, 'utf8')) as ProcessUsage
  check(planned.tail().includes(`"segments":${segments},`), `plan sees ${segments} segments`)
  check(plan.cpuSeconds <= goal.cpuSeconds, `plan: ${plan.cpuSeconds.toFixed(1)} CPU s, at most ${goal.cpuSeconds}`)
  check(plan.peakMegabytes <= goal.peakMegabytes, `plan: ${plan.peakMegabytes.toFixed(0)} MB, at most ${goal.peakMegabytes}`)

  const pages = server.pages()
  const service = await startService(['run'], directory, document)
  await Promise.race([server.firstGet, service.ended])
  const first = usedBy(service.pid)
  service.kill('SIGKILL')
  await service.ended
  console.log(`the first round of the service listed ${server.pages() - pages} pages`)
  check(first.cpuSeconds <= goal.cpuSeconds, `first round: ${first.cpuSeconds.toFixed(1)} CPU s, at most ${goal.cpuSeconds}`)
  check(
    first.peakMegabytes <= goal.peakMegabytes,
    `first round: ${first.peakMegabytes.toFixed(0)} MB with its threads for reading, at most ${goal.peakMegabytes}`,
  )
} finally {
  await server.stop()
  await rm(directory, { recursive: true, force: true })
}
report()
