import { readFileSync } from 'node:fs'
import { Cluster, Redis, type ClusterOptions, type RedisOptions } from 'ioredis'
import { WorkError } from '../../model/failure.ts'
import type { Trouble } from '../../model/health.ts'
import type { Clock } from '../../seams/clock.ts'
import type { Journal } from '../../seams/journal.ts'

export type { Redis } from 'ioredis'

/** A connection, or one to each node of a cluster. */
export type RedisClient = Redis | Cluster

export interface RedisNode {
  readonly host: string
  readonly port: number
}

/** Where Redis is, and how to come in. One of `url`, `sentinel` and `cluster`. */
export interface RedisSettings {
  /** Asked at each connection, since it may hold a password that rotates. */
  readonly url?: () => string
  readonly username?: string
  /** Asked at each connection. */
  readonly password?: () => string
  readonly sentinel?: {
    readonly name: string
    readonly nodes: readonly RedisNode[]
    readonly username?: string
    readonly password?: () => string
  }
  readonly cluster?: { readonly nodes: readonly RedisNode[] }
  /** Paths of PEM files, read at each connection. Holds for Sentinels too. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string }
}

const connectTimeoutMs = 10_000
const longestPauseMs = 5_000

export interface OpenRedis {
  readonly client: RedisClient
  /** Why it can not be reached now. */
  trouble(): Trouble | null
}

/**
 * Opens a client that connects again for ever: while Redis is away, what is asked of it waits. Each change of that is told once.
 * Nothing of ioredis is thrown at the process or printed.
 */
export function openRedis(settings: RedisSettings, clock: Clock, journal: Journal): OpenRedis {
  const client = settings.cluster === undefined ? openOne(settings) : openCluster(settings)
  let trouble: Trouble | null = null
  client.on('error', (error: Error) => {
    if (trouble === null)
      journal.warn('Redis can not be reached; what is under way goes on, and the queue is filled again when it is back', { error })
    trouble = { sinceMs: trouble?.sinceMs ?? clock.now(), reason: error.message }
  })
  client.on('ready', () => {
    if (trouble !== null) journal.info('Redis is back')
    trouble = null
  })
  return { client, trouble: () => trouble }
}

function openOne(settings: RedisSettings): Redis {
  const { sentinel } = settings
  if (sentinel !== undefined) {
    return withRotation(
      {
        ...common(settings),
        name: sentinel.name,
        sentinels: sentinel.nodes.map((node) => ({ ...node })),
        sentinelUsername: sentinel.username,
        sentinelRetryStrategy: renewing(settings),
        enableTLSForSentinelMode: settings.tls !== undefined,
      },
      settings,
    )
  }
  const { hostname, port, pathname, protocol } = parsed(settings)
  const db = Number(pathname.slice(1) || 0)
  const tls = settings.tls === undefined && protocol === 'rediss:' ? { tls: {} } : {}
  const host = hostname.replace(/^\[|\]$/g, '') || '127.0.0.1'
  return withRotation({ ...common(settings), host, port: Number(port || 6379), db, ...tls }, settings)
}

function openCluster(settings: RedisSettings, override: ClusterOptions = {}): Cluster {
  const client = new Cluster(
    settings.cluster!.nodes.map((node) => ({ ...node })),
    {
      clusterRetryStrategy: pauseMs,
      enableReadyCheck: true,
      // A certificate is for a name: it is looked up where a node is connected to, and not before.
      dnsLookup: (address, callback) => callback(null, address),
      ...override,
      redisOptions: { ...common(settings), ...secrets(settings) },
    },
  )
  // A node that is lost gets a client of its own, before which nobody is asked.
  client.on('+node', (node: Redis) => renew(node.options, settings))
  client.duplicate = (_, more) => openCluster(settings, { ...override, ...more })
  return client
}

function common(settings: RedisSettings): RedisOptions {
  return {
    connectTimeout: connectTimeoutMs,
    // Blocking commands of the queue wait as long as they must.
    maxRetriesPerRequest: null,
    retryStrategy: renewing(settings),
    // After a failover the old master only reads: connect anew, and send again.
    reconnectOnError: ({ message }) => (message.startsWith('READONLY') ? 2 : false),
  }
}

/** A client, and its copies. */
function withRotation(options: RedisOptions, settings: RedisSettings): Redis {
  const client = new Redis({ ...options, ...secrets(settings) })
  client.duplicate = (override) => withRotation({ ...options, ...override }, settings)
  return client
}

/** Before each connection, what is secret is read anew: it may have been rotated. */
function renewing(settings: RedisSettings): (this: unknown, times: number) => number {
  return function (this: unknown, times) {
    // ioredis calls it on the options of the client that is to connect.
    renew(this as RedisOptions, settings)
    return pauseMs(times)
  }
}

function renew(options: RedisOptions, settings: RedisSettings): void {
  try {
    Object.assign(options, secrets(settings))
  } catch {
    // A file is just being replaced: the next try reads it.
  }
}

/** How to come in, as it is now. */
function secrets(settings: RedisSettings): RedisOptions {
  const { sentinel, tls } = settings
  const url = settings.url === undefined ? undefined : parsed(settings)
  const username = decodeURIComponent(url?.username ?? '') || settings.username
  const password = decodeURIComponent(url?.password ?? '') || settings.password?.()
  const pems = tls && { ca: pem(tls.ca), cert: pem(tls.cert), key: pem(tls.key) }
  return {
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(sentinel?.password !== undefined && { sentinelPassword: sentinel.password() }),
    ...(pems !== undefined && { tls: pems }),
    ...(pems !== undefined && sentinel !== undefined && { sentinelTLS: pems }),
  }
}

function parsed({ url }: RedisSettings): URL {
  return new URL(url!())
}

function pem(path: string | undefined): Buffer | undefined {
  if (path === undefined) return undefined
  try {
    return readFileSync(path)
  } catch (error) {
    throw new WorkError(`spec.queue.tls: ${path} can not be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}`, {
      retry: 'never',
    })
  }
}

function pauseMs(times: number): number {
  return Math.min(100 * 2 ** Math.min(times, 10), longestPauseMs)
}
