import { execFile } from 'node:child_process'
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../../src/drivers/clock/system.ts'
import { memoryJournal } from '../../../src/drivers/journal/memory.ts'
import { openRedisFleet } from '../../../src/drivers/queue/redis.ts'
import type { RedisSettings } from '../../../src/drivers/queue/redis-connection.ts'
import type { TaskCodec, TaskQueue } from '../../../src/seams/task-queue.ts'
import { freePort } from '../servers.ts'
import { startRedis, type TestRedis } from './redis.ts'

const timeout = 180_000

const texts: TaskCodec<string, string> = {
  encodePayload: (text) => ({ text }),
  decodePayload: (value) => (value as { text: string }).text,
  encodeResult: (text) => ({ text }),
  decodeResult: (value) => (value as { text: string }).text,
  encodeFailure: () => null,
  decodeFailure: () => {
    throw new Error('nothing fails here')
  },
}

let directory = ''
let closing: (() => Promise<void>)[] = []

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'redis-tls-'))
})
afterEach(async () => {
  for (const close of closing.toReversed()) await close()
  closing = []
})
afterAll(() => rm(directory, { recursive: true, force: true }))

async function server(...options: Parameters<typeof startRedis>): Promise<TestRedis> {
  const redis = await startRedis(...options)
  closing.push(() => redis.stop())
  return redis
}

/** A queue on these settings, and one who takes its tasks over connections of its own. */
function served(settings: RedisSettings): TaskQueue<string, string> {
  const open = () => {
    const fleet = openRedisFleet({ settings, document: 'default/test', parallelism: 2, clock: systemClock, journal: memoryJournal() })
    closing.push(() => fleet.close())
    return fleet.queue('tasks', texts)
  }
  const worker = open()
  const stop = new AbortController()
  closing.push(async () => stop.abort())
  void (async () => {
    for (;;) {
      const claim = await worker.claim(stop.signal)
      if (claim === null) return
      claim.complete(`${claim.payload} done`)
    }
  })()
  return open()
}

const openssl = (...args: string[]) => promisify(execFile)('openssl', args, { cwd: directory })

describe('Redis is reached', { timeout }, () => {
  test('as a user of its ACL with no more than the documented rights; a password that is rotated is read at the next connection', async () => {
    const redis = await server()
    const allow = ['~{iceberg-processor:*', '&{iceberg-processor:*', '+@all', '-@admin', '-@dangerous', '+info']
    await redis.cli('ACL', 'SETUSER', 'processor', 'on', '>first', ...allow)
    const file = join(directory, 'password')
    await writeFile(file, 'first')
    let password = 'first'
    const queue = served({ url: () => redis.url, username: 'processor', password: () => password })
    expect(await queue.submit('one', 'one')).toBe('one done')
    await redis.cli('ACL', 'SETUSER', 'processor', '<first', '>second')
    password = 'second'
    await redis.cli('CLIENT', 'KILL', 'USER', 'processor')
    expect(await queue.submit('two', 'two')).toBe('two done')
  })

  test('over TLS with a certificate authority of its own', async () => {
    await openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=test', '-keyout', 'ca.key', '-out', 'ca.pem')
    await openssl('req', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=localhost', '-keyout', 'server.key', '-out', 'server.csr')
    await writeFile(join(directory, 'names'), 'subjectAltName=DNS:localhost,IP:127.0.0.1')
    const signing = ['-in', 'server.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'names']
    await openssl('x509', '-req', ...signing, '-out', 'server.pem')
    const [port, ca] = [await freePort(), join(directory, 'ca.pem')]
    const files = [
      '--tls-cert-file',
      join(directory, 'server.pem'),
      '--tls-key-file',
      join(directory, 'server.key'),
      '--tls-ca-cert-file',
      ca,
    ]
    await server({ args: () => ['--tls-port', String(port), ...files, '--tls-auth-clients', 'no'] })
    const queue = served({ url: () => `rediss://127.0.0.1:${port}`, tls: { ca } })
    expect(await queue.submit('one', 'one')).toBe('one done')
  })

  test('by Sentinels; a failover that loses seconds loses no task', async () => {
    const master = await server()
    const replica = await server({ args: () => ['--replicaof', '127.0.0.1', String(master.port)] })
    const lines = [
      `sentinel monitor mymaster 127.0.0.1 ${master.port} 1`,
      'sentinel down-after-milliseconds mymaster 1000',
      'sentinel failover-timeout mymaster 5000',
    ]
    const template = join(directory, 'sentinel.template')
    await writeFile(template, `${lines.join('\n')}\n`)
    const file = join(directory, 'sentinel.conf')
    await copyFile(template, file)
    const sentinel = await server({ sentinelOf: file })
    while (!(await sentinel.cli('SENTINEL', 'replicas', 'mymaster')).includes(String(replica.port))) await sleep(200)
    const queue = served({ sentinel: { name: 'mymaster', nodes: [{ host: '127.0.0.1', port: sentinel.port }] } })
    expect(await queue.submit('one', 'one')).toBe('one done')
    await master.kill()
    const names = Array.from({ length: 10 }, (_, i) => `task ${i}`)
    expect(await Promise.all(names.map((name) => queue.submit(name, name)))).toEqual(names.map((name) => `${name} done`))
    expect(await replica.cli('ROLE')).toMatch(/^master/)
  })

  test('as a cluster', async () => {
    const nodes = await Promise.all(
      [0, 1, 2].map(() => server({ args: () => ['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000'] })),
    )
    const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`)
    await promisify(execFile)('redis-cli', ['--cluster', 'create', ...addresses, '--cluster-yes'])
    while (!(await nodes[0].cli('CLUSTER', 'INFO')).includes('cluster_state:ok')) await sleep(200)
    const queue = served({ cluster: { nodes: [{ host: '127.0.0.1', port: nodes[0].port }] } })
    expect(await queue.submit('one', 'one')).toBe('one done')
  })
})
