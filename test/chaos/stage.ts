import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdirSync, statfsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SeededRandom } from '../../src/drivers/entropy/seeded.ts'
import { notYet } from '../../src/spec/not-yet.ts'
import { loadDocuments } from '../../src/spec/load.ts'
import { createBucket, freePort, type S3Endpoint, startRestCatalog, startS3 } from '../integration/servers.ts'
import { unreliable, type UnreliableServer } from './unreliable.ts'

/** The source's prefix in the bucket. */
export const prefix = 'segments/'
export const database = 'chaos'
/** The largest the servers' disk may grow, bytes. */
const diskBytes = 4 * 1024 ** 3

/** The servers of a run, on a disk of their own, and the document that is served. */
export interface Stage {
  readonly s3: S3Endpoint
  readonly bucket: string
  readonly unreliable: { readonly s3: UnreliableServer; readonly catalog: UnreliableServer }
  /** Null while the program has no queue on Redis. */
  readonly redis: Redis | null
  /** The document by which the fleet works, through the proxies; and the one that goes straight to the servers. */
  readonly document: string
  readonly calmDocument: string
  /** Leaves the servers no room on their disk for a while. */
  fillDisk(ms: number): Promise<void>
  close(): Promise<void>
}

/** Starts everything. `directory` is a disk of its own (tmpfs). */
export async function openStage(directory: string, random: SeededRandom): Promise<Stage> {
  process.env.INTEROP_RUN = join(directory, 'servers')
  const s3 = await startS3()
  const bucket = await createBucket(s3, 'chaos')
  const catalog = await startRestCatalog(s3, bucket)
  const between = { s3: await unreliable(s3.endpoint, random.fork()), catalog: await unreliable(catalog.uri, random.fork()) }
  const redis = new Redis(join(directory, 'redis'), await freePort())
  await redis.start()
  const withQueue = documentText(between.s3.url, between.catalog.url, s3, bucket, redis.url)
  const hasQueue = notYet(loadDocuments(withQueue, 'chaos.json', {})[0]).length === 0
  const queue = hasQueue ? redis.url : null
  const [document, calmDocument] = [join(directory, 'chaos.json'), join(directory, 'calm.json')]
  await writeFile(document, documentText(between.s3.url, between.catalog.url, s3, bucket, queue))
  await writeFile(calmDocument, documentText(s3.endpoint, catalog.uri, s3, bucket, queue))
  return {
    s3,
    bucket,
    unreliable: between,
    redis: hasQueue ? redis : null,
    document,
    calmDocument,
    fillDisk: (ms) => fillDisk(directory, ms),
    async close() {
      await Promise.all([between.s3.close(), between.catalog.close(), redis.stop()])
      await catalog.stop()
      await s3.stop()
    },
  }
}

function documentText(s3Url: string, catalogUrl: string, s3: S3Endpoint, bucket: string, redis: string | null): string {
  const { region, accessKeyId, secretAccessKey } = s3
  const storage = { endpoint: s3Url, region, accessKeyId, secretAccessKey, pathStyle: true }
  return JSON.stringify({
    apiVersion: 'kafscale.io/v1',
    kind: 'IcebergProcessor',
    metadata: { name: 'chaos' },
    spec: {
      source: { topics: ['*'], s3: { bucket, prefix, ...storage }, graceSeconds: 4, startAt: 'latest' },
      sink: { catalog: { type: 'rest', endpoint: catalogUrl }, storage, database },
      processing: { parallelism: 2, commitIntervalSeconds: 2 },
      mappings: [{ topic: '*', value: { format: 'binary' } }],
      ...(redis !== null && { queue: { redis } }),
    },
  })
}

/** The disk shrinks to what is on it, and grows again. */
async function fillDisk(directory: string, ms: number): Promise<void> {
  const resize = (bytes: number) => execFileSync('mount', ['-o', `remount,size=${bytes}`, directory], { stdio: 'ignore' })
  for (;;) {
    const { bsize, blocks, bfree } = statfsSync(directory)
    try {
      resize((blocks - bfree) * bsize)
      break
    } catch {
      // Somebody wrote meanwhile.
    }
  }
  try {
    await sleep(ms)
  } finally {
    resize(diskBytes)
  }
}

/** A Redis without persistence, which is started anew where it was. */
export class Redis {
  readonly #directory: string
  readonly #port: number
  #server: ChildProcess | null = null

  constructor(directory: string, port: number) {
    this.#directory = directory
    this.#port = port
    mkdirSync(directory, { recursive: true })
  }

  get url(): string {
    return `redis://127.0.0.1:${this.#port}/0`
  }

  async start(): Promise<void> {
    const args = ['--bind', '127.0.0.1', '--port', String(this.#port), '--dir', this.#directory, '--save', '', '--appendonly', 'no']
    this.#server = spawn('redis-server', args, { stdio: 'ignore' })
    for (let i = 0; i < 2400; i++) {
      if (this.#ask('PING')) return
      await sleep(50)
    }
    throw new Error('Redis does not answer')
  }

  flush(): boolean {
    return this.#ask('FLUSHALL')
  }

  async stop(): Promise<void> {
    const server = this.#server
    if (server === null || server.exitCode !== null) return
    const ended = new Promise((resolve) => server.once('exit', resolve))
    server.kill('SIGKILL')
    await ended
  }

  #ask(command: string): boolean {
    try {
      execFileSync('redis-cli', ['-p', String(this.#port), command], { stdio: 'ignore' })
      return true
    } catch {
      return false
    }
  }
}
