import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { readColumns } from './columns.ts'
import { orderColumns } from './data.ts'
import { runNative } from './native.ts'
import type { Comparison } from './ratios.ts'
import { medians } from './rounds.ts'
import { s3Source, type S3Service, upload, withS3Service } from './s3-service.ts'
import { runService, serviceDocument, type ServiceRun, sqliteSink } from './service.ts'

const rounds = 3
/** The generated records are put into the bucket as two partitions. */
const partitions = 2

/** Records per CPU second of the whole service's process by those of the native hot path. */
export interface ServiceRatios {
  readonly large: number
  readonly medium: number
}

/** `large`, `medium`: directories with the bucket's layout and the same `records` records, in segments of 64 and 4 MiB. */
export function serviceRatios(
  { native, set, records }: Comparison & { readonly records: number },
  large: string,
  medium: string,
  scratch: string,
): Promise<ServiceRatios> {
  return withS3Service(async (service) => {
    const run = async (bucket: string) => {
      const { cpuSeconds } = await runOnce(service, bucket, partitions * records, scratch)
      return (partitions * records) / cpuSeconds
    }
    const [largeBucket, mediumBucket] = [await upload(service.s3, large, partitions), await upload(service.s3, medium, partitions)]
    const measured = await medians(rounds, {
      large: () => run(largeBucket),
      medium: () => run(mediumBucket),
      native: () => runNative({ native, set }),
    })
    return { large: measured.large / measured.native, medium: measured.medium / measured.native }
  })
}

/** Peak resident memory of `run --once` with one task at a time, from a directory with the bucket's layout. */
export async function peakMegabytes(source: string, records: number, scratch: string): Promise<number> {
  const columns = await readColumns(orderColumns)
  const { peak } = await medians(rounds, {
    peak: async () => {
      const directory = await mkdtemp(join(scratch, 'run-'))
      const document = serviceDocument({ directory: source }, sqliteSink(directory), { columns, parallelism: 1 })
      const run = await runService(directory, document, records)
      await rm(directory, { recursive: true })
      return run.peakMegabytes
    },
  })
  return peak
}

let tables = 0

/** One run of the program from a bucket into a table of its own, all columns declared. */
export async function runOnce({ s3, sink }: S3Service, bucket: string, records: number, scratch: string): Promise<ServiceRun> {
  const directory = await mkdtemp(join(scratch, 'run-'))
  const parts = { columns: await readColumns(orderColumns), database: `bench_${++tables}` }
  const run = await runService(directory, serviceDocument(s3Source(s3, bucket), sink, parts), records)
  await rm(directory, { recursive: true })
  return run
}
