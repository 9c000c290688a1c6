import { randomBytes } from 'node:crypto'
import { GetObjectCommand } from '@aws-sdk/client-s3'
import { systemClock } from '../../src/drivers/clock/system.ts'
import { systemEntropy } from '../../src/drivers/entropy/system.ts'
import { countingMeter } from '../../src/drivers/meter/counting.ts'
import { openS3Store } from '../../src/drivers/store/s3.ts'
import { createBucket, type S3Endpoint, s3Client } from '../integration/servers.ts'
import { withS3 } from './s3-service.ts'

/** CPU time that one GET of 8 KB costs this process, warm: medians over the rounds. */
export interface GetResult {
  /** Through the store: signature, sockets, bytes in hand. */
  readonly cpuMilliseconds: number
  /** Through the SDK's own client as it comes. */
  readonly sdkCpuMilliseconds: number
}

const objectBytes = 8 * 1024
const objects = 64
const inFlight = 16
const gets = 5000
const rounds = 3

/** Gets small objects over and over, by the store and by the SDK in turn. Throws an Error where a byte is missing. */
export async function measureGets(s3: S3Endpoint): Promise<GetResult> {
  const bucket = await createBucket(s3, 'get')
  const store = openS3Store(
    { bucket, region: s3.region, endpoint: s3.endpoint, pathStyle: true, credentials: () => s3, maxSockets: 64 },
    { clock: systemClock, entropy: systemEntropy(systemClock), meter: countingMeter() },
  )
  const client = s3Client(s3)
  try {
    const bytes = randomBytes(objectBytes)
    for (let i = 0; i < objects; i++) await store.put(keyOf(i), [bytes])
    const byStore = (key: string) => store.get(key)
    const bySdk = async (key: string) =>
      (await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }))).Body!.transformToByteArray()
    const milliseconds: { store: number; sdk: number }[] = []
    for (let round = 0; round <= rounds; round++) {
      const measured = { store: await cpuOf(byStore), sdk: await cpuOf(bySdk) }
      // The first round warms.
      if (round > 0) milliseconds.push(measured)
    }
    return { cpuMilliseconds: median(milliseconds.map((one) => one.store)), sdkCpuMilliseconds: median(milliseconds.map((one) => one.sdk)) }
  } finally {
    client.destroy()
    await store.close()
  }
}

/** The CPU time of one round, ms a GET. */
async function cpuOf(get: (key: string) => Promise<Uint8Array>): Promise<number> {
  const before = process.cpuUsage()
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < gets) {
      const { length } = await get(keyOf(next++ % objects))
      if (length !== objectBytes) throw new Error(`a GET gave ${length} bytes`)
    }
  }
  await Promise.all(Array.from({ length: inFlight }, lane))
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000 / gets
}

function keyOf(number: number): string {
  return `orders/0/segment-${String(number).padStart(20, '0')}.kfs`
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[(values.length - 1) / 2]
}

// A process of its own, so that nothing else of the bench has warmed or littered it. The server ends each connection after an
// answer unless it is told otherwise; S3 keeps them.
if (import.meta.main) {
  const closing = await withS3(measureGets)
  process.env.VGW_KEEP_ALIVE = 'true'
  const keeping = await withS3(measureGets)
  console.log(JSON.stringify({ ...closing, keptAlive: keeping }))
}
