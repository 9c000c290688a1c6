import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { PutObjectCommand } from '@aws-sdk/client-s3'
import { writeBatch } from '../../src/formats/kafka/write.ts'
import { segmentKey } from '../../src/formats/kfs/segment-key.ts'
import { writeSegment } from '../../src/formats/kfs/write.ts'
import { s3Source, withS3Service } from '../bench/s3-service.ts'
import { startRedis } from '../integration/fleet/redis.ts'
import { createBucket, s3Client } from '../integration/servers.ts'
import { check, report } from './findings.ts'
import { usedBy } from './process-usage.ts'
import { loadDocument, startService } from './service-process.ts'

/**
 * What a service costs that has nothing to do: 10 topics of 12 partitions in a real S3 server, looked at every 60 s. With `--redis`, it has its
 * queue there, and what it asks of Redis is counted.
 */
const { values, positionals } = parseArgs({ allowPositionals: true, options: { redis: { type: 'boolean', default: false } } })
const minutes = Number(positionals[0] ?? 5)
const [topics, partitions] = [10, 12]

const directory = await mkdtemp(join(tmpdir(), 'idle-'))
const redis = values.redis ? await startRedis() : null

/** Commands that Redis carried out so far, those inside scripts included. */
async function askedOfRedis(): Promise<number> {
  const stats = (await redis?.cli('INFO', 'commandstats')) ?? ''
  return [...stats.matchAll(/calls=(\d+)/g)].reduce((sum, [, count]) => sum + Number(count), 0)
}

try {
  await withS3Service(async ({ s3, sink }) => {
    const bucket = await createBucket(s3, 'idle')
    const client = s3Client(s3)
    const record = { timestampMs: 1_767_225_600_000n, key: null, headers: [], value: Buffer.from('x') }
    const batch = writeBatch({ baseOffset: 0n, codec: 'none', records: [record] })
    const { segment, index } = writeSegment({ baseOffset: 0n, batches: [batch], createdMs: 1_767_225_600_000 })
    for (let i = 0; i < topics * partitions; i++) {
      const at = { topic: `idle-${i % topics}`, partition: Math.floor(i / topics) }
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: segmentKey('', at, 0n, 'index'), Body: index }))
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: segmentKey('', at, 0n, 'kfs'), Body: segment }))
    }
    client.destroy()
    let rows = 0
    const document = loadDocument(['idle-*'], s3Source(s3, bucket), sink)
    if (redis !== null) Object.assign(document.spec as object, { queue: { redis: redis.url } })
    const service = await startService(['run'], directory, document, (line) => {
      if (line.msg === 'committed') rows += Number(line['rows'])
    })
    for (let tries = 0; rows < topics * partitions && tries < 1200; tries++) await sleep(100)
    check(rows === topics * partitions, `${rows} rows are there before it is idle`)
    await sleep(5_000)
    const [before, askedBefore] = [usedBy(service.pid), await askedOfRedis()]
    await sleep(minutes * 60_000)
    const [after, asked] = [usedBy(service.pid), (await askedOfRedis()) - askedBefore]
    service.kill('SIGTERM')
    await service.ended
    const share = (100 * (after.cpuSeconds - before.cpuSeconds)) / (minutes * 60)
    check(share <= 1, `idle over ${minutes} min: ${share.toFixed(2)} % of a core, at most 1`)
    check(after.residentMegabytes <= 200, `idle: ${after.residentMegabytes.toFixed(0)} MB resident, at most 200`)
    check(after.sockets <= before.sockets, `${after.sockets} sockets, ${before.sockets} before`)
    if (redis !== null) console.log(`${(asked / (minutes * 60)).toFixed(1)} commands a second in Redis, those inside scripts included`)
  })
} finally {
  await redis?.stop()
  await rm(directory, { recursive: true, force: true })
}
report()
