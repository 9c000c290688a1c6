import { readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { PutObjectCommand } from '@aws-sdk/client-s3'
import { openDocument } from '../../src/compose.ts'
import { openFleet } from '../../src/compose/fleet.ts'
import { partOf } from '../../src/compose/serve-role.ts'
import { writeBatch } from '../../src/formats/kafka/write.ts'
import { segmentKey } from '../../src/formats/kfs/segment-key.ts'
import { writeSegment } from '../../src/formats/kfs/write.ts'
import { lookOnce } from '../../src/service/tasks/carry-out-tasks.ts'
import { loadDocuments } from '../../src/spec/load.ts'
import { s3Source, withS3Service } from '../bench/s3-service.ts'
import { startRedis } from '../integration/fleet/redis.ts'
import { createBucket, s3Client } from '../integration/servers.ts'
import { check, report } from './findings.ts'
import { usedBy } from './process-usage.ts'
import { loadDocument } from './service-process.ts'

/**
 * As many commits as a steady topic has in 24 hours at one a minute, as fast as they go, against a real S3 server and catalog: does anything
 * grow? Run with `node --expose-gc`. The table's metadata grows by a snapshot a commit, which is all that may. With `--redis`, a planner, a
 * worker and a committer do it over a real Redis, which must not grow either.
 */
const { values, positionals } = parseArgs({ allowPositionals: true, options: { redis: { type: 'boolean', default: false } } })
const commits = Number(positionals[0] ?? 1440)
const { gc } = globalThis
if (gc === undefined) throw new Error('run with node --expose-gc')

/** Bytes of heap and buffers that are alive. */
async function alive(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    gc!()
    await sleep(50)
  }
  const { heapUsed, external } = process.memoryUsage()
  return (heapUsed + external) / 1e6
}

const redis = values.redis ? await startRedis() : null
const roles = redis === null ? (['run'] as const) : (['committer', 'worker', 'planner'] as const)

/** What is in Redis: keys, and bytes that they and their bookkeeping take. */
async function inRedis(): Promise<{ keys: number; bytes: number }> {
  if (redis === null) return { keys: 0, bytes: 0 }
  const dataset = /^used_memory_dataset:(\d+)/m.exec(await redis.cli('INFO', 'memory'))?.[1]
  return { keys: Number(await redis.cli('DBSIZE')), bytes: Number(dataset) }
}

await withS3Service(async ({ s3, sink }) => {
  const bucket = await createBucket(s3, 'steady')
  const client = s3Client(s3)
  const source = loadDocument(['steady'], s3Source(s3, bucket), sink, { commitIntervalSeconds: 0.05 })
  if (redis !== null) Object.assign(source.spec as object, { queue: { redis: redis.url } })
  const [document] = loadDocuments(JSON.stringify(source), 'document.json', {})
  async function produce(offset: number): Promise<void> {
    const record = { timestampMs: 1_767_225_600_000n, key: null, headers: [], value: Buffer.from(`value ${offset}`) }
    const baseOffset = BigInt(offset)
    const batch = writeBatch({ baseOffset, codec: 'none', records: [record] })
    const { segment, index } = writeSegment({ baseOffset, batches: [batch], createdMs: 1_767_225_600_000 })
    const at = { topic: 'steady', partition: 0 }
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: segmentKey('', at, baseOffset, 'index'), Body: index }))
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: segmentKey('', at, baseOffset, 'kfs'), Body: segment }))
  }

  await produce(0)
  let rows = 0
  const silent = () => undefined
  const journal = {
    debug: silent,
    info: (message: string, fields?: Readonly<Record<string, unknown>>) => (rows += message === 'committed' ? Number(fields?.rows) : 0),
    warn: (message: string) => console.log(`warning: ${message}`),
    error: (message: string, fields?: Readonly<Record<string, unknown>>) =>
      console.log(`error: ${message}: ${String(fields?.error ?? fields?.reason)}`),
  }
  const stop = new AbortController()
  const parts: Promise<boolean>[] = []
  const closing: (() => Promise<void>)[] = []
  for (const role of roles) {
    const { source: identity, seams, close } = await openDocument(document, journal)
    const fleet = await openFleet(document, identity, journal)
    const look = lookOnce(seams.catalog, document.spec.sink.database.split('.'))
    const shared = fleet === null ? {} : { queue: fleet.tasks, leases: fleet.leases, look }
    const part = partOf(role, document, identity, { ...seams, ...shared }, fleet, { once: false })
    parts.push(part.run(stop.signal, new AbortController().signal))
    closing.push(async () => {
      await fleet?.close()
      await close()
    })
  }

  /** What is there once the first tenth of the commits has warmed everything. */
  let before: Awaited<ReturnType<typeof now>> | null = null
  const now = async () => ({
    megabytes: await alive(),
    sockets: usedBy(process.pid).sockets,
    files: readdirSync('/proc/self/fd').length,
    redis: await inRedis(),
  })
  let mostKeys = 0
  for (let offset = 0; offset < commits; offset++) {
    if (offset === Math.floor(commits / 10)) before = await now()
    if (offset > 0) await produce(offset)
    // One segment a commit: the next is written when this one's row is there.
    for (let tries = 0; rows <= offset && tries < 6000; tries++) await sleep(10)
    if (offset % 100 === 0) mostKeys = Math.max(mostKeys, (await inRedis()).keys)
    if (rows <= offset) throw new Error(`offset ${offset} was not committed within a minute`)
  }
  const after = await now()
  stop.abort()
  check((await Promise.all(parts)).every(Boolean), `${commits} commits, ${rows} rows by ${roles.join(', ')}`)
  for (const close of closing) await close()
  client.destroy()
  check(rows === commits, 'each row came once')
  const grown = after.megabytes - before!.megabytes
  const most = 5 + (commits * 5) / 1000
  check(
    grown <= most,
    `alive: ${before!.megabytes.toFixed(1)} MB, then ${after.megabytes.toFixed(1)} MB; at most ${most.toFixed(0)} MB more`,
  )
  check(after.sockets <= before!.sockets + 8, `${before!.sockets} sockets, then ${after.sockets}`)
  check(after.files <= before!.files + 8, `${before!.files} open files, then ${after.files}`)
  if (redis === null) return
  const [keysBefore, kilobytes] = [before!.redis.keys, (after.redis.bytes - before!.redis.bytes) / 1e3]
  check(mostKeys <= 40, `${keysBefore} keys in Redis, then ${after.redis.keys}, never more than ${mostKeys}; at most 40`)
  check(kilobytes <= 500, `Redis holds ${(after.redis.bytes / 1e6).toFixed(2)} MB, ${kilobytes.toFixed(0)} KB more; at most 500`)
}).finally(() => redis?.stop())
report()
