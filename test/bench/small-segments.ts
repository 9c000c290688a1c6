import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { createBucket } from '../integration/servers.ts'
import { readColumns } from './columns.ts'
import { orderColumns } from './data.ts'
import { writeOrderTopic } from './generate.ts'
import { countRequests } from './requests.ts'
import { medians } from './rounds.ts'
import { s3Source, upload, withS3Service } from './s3-service.ts'
import { runService, serviceDocument, sqliteSink } from './service.ts'
import { runOnce } from './whole-service.ts'

const recordsPerSegment = 100
const segments = 600
const firstRowSegments = 100
const rounds = 5

export interface SmallSegments {
  /** More than a run takes that finds no segment. */
  readonly cpuSeconds: number
  readonly requestsPerSegment: number
  readonly files: number
}

/** Many small segments in a bucket become a table of a REST catalog. */
export function smallSegments(scratch: string): Promise<SmallSegments> {
  return withS3Service(async (service) => {
    const { s3, sink } = service
    const empty = await createBucket(s3, 'empty')
    const bucket = await upload(s3, await smallTopic(scratch, segments))
    const run = async (from: string, records: number) => (await runOnce(service, from, records, scratch)).cpuSeconds
    const seconds = await medians(rounds, { nothing: () => run(empty, 0), segments: () => run(bucket, segments * recordsPerSegment) })
    const parts = { columns: await readColumns(orderColumns), database: 'counted' }
    const counted = await countRequests(serviceDocument(s3Source(s3, bucket), sink, parts))
    return { cpuSeconds: seconds.segments - seconds.nothing, requestsPerSegment: counted.requests / segments, files: counted.files }
  })
}

/** From the start of the process to its first commit, on small segments in a directory that are past the grace age; seconds by the wall's clock. */
export async function firstRowSeconds(scratch: string): Promise<number> {
  const source = { directory: await smallTopic(scratch, firstRowSegments) }
  const { seconds } = await medians(rounds, {
    seconds: async () => {
      const directory = await mkdtemp(join(scratch, 'first-'))
      const run = await runService(directory, serviceDocument(source, sqliteSink(directory)), firstRowSegments * recordsPerSegment)
      return run.firstRowSeconds
    },
  })
  return seconds
}

async function smallTopic(scratch: string, count: number): Promise<string> {
  const directory = join(scratch, `small-${count}`)
  const records = count * recordsPerSegment
  await writeOrderTopic(directory, 'orders', { records, maxSegmentBytes: 1, recordsPerBatch: recordsPerSegment })
  return directory
}
