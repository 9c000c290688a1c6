import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:net'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'

/** How a client reaches an S3 server of the interop tier; buckets are addressed by path. */
export interface S3Endpoint {
  readonly endpoint: string
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

/** A server that this process started. */
export interface RunningServer {
  readonly name: string
  readonly port: number
  /** Ends it and removes its data; does nothing the second time. */
  stop(): Promise<void>
}

const scripts = join(import.meta.dirname, 'servers')

/** The installed Python with PyIceberg, pyarrow and DuckDB. */
export const python = join(installDirectory(), 'py', 'bin', 'python')

/** Where servers and engines are installed: `INTEROP`, else a directory in the user's cache. */
export function installDirectory(): string {
  return process.env.INTEROP ?? join(homedir(), '.cache', 'iceberg-processor-interop')
}

/** Installs what is missing, from the package registries; at once and silently where everything is there. */
export async function install(...names: string[]): Promise<void> {
  await script('setup.sh', names, 30 * 60_000)
}

/** An account of an S3 server, and the region that it is in. */
export type S3Account = Omit<S3Endpoint, 'endpoint'>

const usualAccount: S3Account = { region: 'us-east-1', accessKeyId: 'testkey', secretAccessKey: 'testsecret12' }

/** A fresh S3 server that checks signatures, with no bucket in it. */
export async function startS3(
  product: 'versitygw' | 'minio' = 'versitygw',
  account: S3Account = usualAccount,
): Promise<RunningServer & S3Endpoint> {
  const server = await start(product, account.region, account.accessKeyId, account.secretAccessKey)
  return { ...server, ...account, endpoint: `http://127.0.0.1:${server.port}` }
}

/** The Iceberg project's own REST catalog with its warehouse in `bucket` of `s3`; clients give their own S3 settings. */
export function startRestCatalog(s3: S3Endpoint, bucket: string): Promise<RunningServer & { readonly uri: string }> {
  return startRestCatalogOver(new URL(s3.endpoint).port, bucket)
}

/** The same with its warehouse in a directory. */
export function startRestCatalogOnFiles(directory: string): Promise<RunningServer & { readonly uri: string }> {
  return startRestCatalogOver(directory)
}

async function startRestCatalogOver(...warehouse: string[]): Promise<RunningServer & { readonly uri: string }> {
  const server = await start('rest-catalog', ...warehouse)
  return { ...server, uri: `http://127.0.0.1:${server.port}` }
}

/** Nessie with its warehouse in `bucket` of `s3`, speaking Iceberg REST. */
export async function startNessie(s3: S3Endpoint, bucket: string): Promise<RunningServer & { readonly uri: string }> {
  const server = await start('nessie', new URL(s3.endpoint).port, bucket)
  return { ...server, uri: `http://127.0.0.1:${server.port}/iceberg` }
}

/** Trino over that catalog and S3 server. */
export function startTrinoServer(s3: S3Endpoint, restCatalogUri: string): Promise<RunningServer> {
  return start('trino', new URL(s3.endpoint).port, new URL(restCatalogUri).port)
}

/** A Redis server without a password, which keeps nothing. */
export function startRedis(): Promise<RunningServer> {
  return start('redis')
}

/** Starts any server that `servers/up.sh` knows, on a free loopback port; `args` are what follows the port there. */
async function start(product: string, ...args: string[]): Promise<RunningServer> {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort()
    try {
      await script('up.sh', [product, String(port), ...args], 180_000)
      const name = `${product}-${port}`
      return { name, port, stop: () => script('down.sh', [name], 180_000) }
    } catch (error) {
      // Somebody else may have taken the port between the question and the start.
      if (attempt === 3) throw error
    }
  }
}

/** Creates a bucket under a name that nobody used before and returns that name. */
export async function createBucket(s3: S3Endpoint, prefix = 'test'): Promise<string> {
  const bucket = `${prefix}-${randomUUID().slice(0, 13)}`
  const client = s3Client(s3)
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  client.destroy()
  return bucket
}

/** A plain SDK client for a test's own look at the store. */
export function s3Client(s3: S3Endpoint): S3Client {
  const { endpoint, region, accessKeyId, secretAccessKey } = s3
  return new S3Client({ endpoint, region, credentials: { accessKeyId, secretAccessKey }, forcePathStyle: true })
}

/**
 * Ports that are given to servers lie below those that the kernel gives to connections (from 32768 on), or a connection would take
 * one between this question and the server's start. A node of a Redis Cluster listens 10,000 above its own port too: nobody else is
 * given those. Test files that run beside each other ask in parts of their own.
 */
const portsPerWorker = 1_000
const firstPort = 10_000 + portsPerWorker * (Number(process.env.VITEST_POOL_ID ?? 0) % 10)
let nextPort = Math.floor(Math.random() * portsPerWorker)

/** A loopback port that is free now, and that this process asks for only once in a while. */
export async function freePort(): Promise<number> {
  return (await freePorts(1))[0]
}

/** So many in a row. */
export async function freePorts(count: number): Promise<number[]> {
  for (let tries = 0; tries < portsPerWorker; tries++) {
    if (nextPort + count > portsPerWorker) nextPort = 0
    const ports = Array.from({ length: count }, (_, i) => firstPort + nextPort + i)
    nextPort += count
    if ((await Promise.all(ports.map(isFree))).every(Boolean)) return ports
  }
  throw new Error(`no ${count} free ports in a row from ${firstPort} on`)
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  const listening = new Promise<boolean>((resolve) =>
    server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true)),
  )
  if (!(await listening)) return false
  await new Promise((resolve) => server.close(resolve))
  return true
}

/** Runs one of the server scripts; what it prints becomes the error's message where it fails. */
function script(name: string, args: readonly string[], timeout: number): Promise<void> {
  // The servers end with this process, even when nobody is left to stop them.
  const env = { ...process.env, INTEROP_OWNER: process.env.INTEROP_OWNER ?? String(process.pid) }
  return new Promise((resolve, reject) => {
    const child = execFile('bash', [join(scripts, name), ...args], { env, timeout }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${name} ${args.join(' ')}: ${stderr.trim() || stdout.trim() || error.message}`))
      else resolve()
    })
    child.stdin?.end()
  })
}
