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
  /** Paths of PEM files. */
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
        sentinelPassword: sentinel.password?.(),
        sentinelRetryStrategy: pauseMs,
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
      ...override,
      // A node is connected to with what these say then.
      redisOptions: {
        ...common(settings),
        get username() {
          return credentials(settings).username
        },
        get password() {
          return credentials(settings).password
        },
      },
    },
  )
  client.duplicate = (_, more) => openCluster(settings, { ...override, ...more })
  return client
}

function common(settings: RedisSettings): RedisOptions {
  const { tls } = settings
  return {
    connectTimeout: connectTimeoutMs,
    // Blocking commands of the queue wait as long as they must.
    maxRetriesPerRequest: null,
    retryStrategy: renewing(settings),
    // After a failover the old master only reads: connect anew, and send again.
    reconnectOnError: ({ message }) => (message.startsWith('READONLY') ? 2 : false),
    ...(tls === undefined ? {} : { tls: { ca: pem(tls.ca), cert: pem(tls.cert), key: pem(tls.key) } }),
  }
}

/** A client, and its copies. */
function withRotation(options: RedisOptions, settings: RedisSettings): Redis {
  const client = new Redis({ ...options, ...credentials(settings) })
  client.duplicate = (override) => withRotation({ ...options, ...override }, settings)
  return client
}

/** Before each connection, the client's user and password are read anew: they may have been rotated. */
function renewing(settings: RedisSettings): (this: unknown, times: number) => number {
  return function (this: unknown, times) {
    try {
      // ioredis calls it on the options of the client that is to connect.
      Object.assign(this as RedisOptions, credentials(settings))
    } catch {
      // The file is just being replaced: the next try reads it.
    }
    return pauseMs(times)
  }
}

function credentials(settings: RedisSettings): { username?: string; password?: string } {
  const url = settings.url === undefined ? undefined : parsed(settings)
  const username = decodeURIComponent(url?.username ?? '') || settings.username
  const password = decodeURIComponent(url?.password ?? '') || settings.password?.()
  return { ...(username !== undefined && { username }), ...(password !== undefined && { password }) }
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
