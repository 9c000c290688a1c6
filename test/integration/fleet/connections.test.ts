import { execFile } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
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
    const fleet = openRedisFleet({ settings, document: 'default/test', place: 'here', clock: systemClock, journal: memoryJournal() })
    closing.push(() => fleet.close())
    return fleet.queue('tasks', texts, 2)
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

/** What a user of the ACL needs, as the documentation says. */
const allowed = ['~{iceberg-processor:*', '&{iceberg-processor:*', '+@all', '-@admin', '-@dangerous', '+info']

interface Certificates {
  readonly ca: string
  readonly cert: string
  readonly key: string
}

/** A certificate of an authority that is made for it, in files. */
async function certificates(name: string, names = 'DNS:localhost,IP:127.0.0.1'): Promise<Certificates> {
  const home = join(directory, name)
  await mkdir(home)
  const openssl = (...args: string[]) => promisify(execFile)('openssl', args, { cwd: home })
  await openssl(
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '2',
    '-subj',
    `/CN=${name}`,
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
  )
  await openssl('req', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=localhost', '-keyout', 'own.key', '-out', 'own.csr')
  await writeFile(join(home, 'names'), `subjectAltName=${names}`)
  const signing = ['-in', 'own.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'names']
  await openssl('x509', '-req', ...signing, '-out', 'own.pem')
  return { ca: join(home, 'ca.pem'), cert: join(home, 'own.pem'), key: join(home, 'own.key') }
}

async function copyFiles(from: Certificates, to: Certificates): Promise<void> {
  for (const file of ['ca', 'cert', 'key'] as const) await copyFile(from[file], to[file])
}

/** For a server's command line. */
function tlsOptions({ ca, cert, key }: Certificates): string[] {
  return ['--tls-ca-cert-file', ca, '--tls-cert-file', cert, '--tls-key-file', key]
}

/** Three nodes that have found each other. */
async function cluster(args: (port: number) => readonly string[], cli: readonly string[] = []): Promise<TestRedis[]> {
  const nodes: TestRedis[] = []
  for (let i = 0; i < 3; i++) {
    const port = await freePort()
    const usual = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000']
    nodes.push(await server({ port, cli, args: () => [...usual, ...args(port)] }))
  }
  const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`)
  await promisify(execFile)('redis-cli', [...cli, '--cluster', 'create', ...addresses, '--cluster-yes'])
  for (const node of nodes) while (!(await node.cli('CLUSTER', 'INFO')).includes('cluster_state:ok')) await sleep(200)
  return nodes
}

describe('Redis is reached', { timeout }, () => {
  test('as a user of its ACL with no more than the documented rights, by options and by the URL; a password that is rotated is read at the next connection', async () => {
    const redis = await server()
    await redis.cli('ACL', 'SETUSER', 'processor', 'on', '>first', ...allowed)
    const file = join(directory, 'password')
    await writeFile(file, 'first')
    let password = 'first'
    const queue = served({ url: () => redis.url, username: 'processor', password: () => password })
    expect(await queue.submit('one', 'one')).toBe('one done')
    await redis.cli('ACL', 'SETUSER', 'processor', '<first', '>second')
    password = 'second'
    await redis.cli('CLIENT', 'KILL', 'USER', 'processor')
    expect(await queue.submit('two', 'two')).toBe('two done')
    await redis.cli('ACL', 'SETUSER', 'processor', '>s/e:c@t')
    const byUrl = served({ url: () => redis.url.replace('//', '//processor:s%2Fe%3Ac%40t@') })
    expect(await byUrl.submit('three', 'three')).toBe('three done')
  })

  test("over TLS by certificates of an authority of its own, its own and the server's, which are all replaced while it works", async () => {
    const first = await certificates('first')
    const port = await freePort()
    const redis = await server({ args: () => ['--tls-port', String(port), ...tlsOptions(first), '--tls-auth-clients', 'yes'] })
    const tls = await certificates('client')
    await copyFiles(first, tls)
    const queue = served({ url: () => `rediss://127.0.0.1:${port}`, tls })
    expect(await queue.submit('one', 'one')).toBe('one done')
    const second = await certificates('second')
    await copyFiles(second, tls)
    await redis.cli('CONFIG', 'SET', 'tls-ca-cert-file', second.ca, 'tls-cert-file', second.cert, 'tls-key-file', second.key)
    await redis.cli('CLIENT', 'KILL', 'SKIPME', 'yes', 'TYPE', 'normal')
    expect(await queue.submit('two', 'two')).toBe('two done')
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

  test('by Sentinels that ask for TLS and a password, as their master does', async () => {
    const tls = await certificates('sentinel')
    const [masterPort, sentinelPort] = [await freePort(), await freePort()]
    const options = [...tlsOptions(tls), '--tls-auth-clients', 'no', '--tls-replication', 'yes']
    const master = await server({ args: () => ['--tls-port', String(masterPort), ...options] })
    await master.cli('ACL', 'SETUSER', 'processor', 'on', '>secret', ...allowed)
    const file = join(directory, 'tls-sentinel.conf')
    await writeFile(file, `sentinel monitor mymaster 127.0.0.1 ${masterPort} 1\nrequirepass watching\n`)
    const cli = ['--no-auth-warning', '-a', 'watching']
    await server({ sentinelOf: file, cli, args: () => ['--tls-port', String(sentinelPort), ...options] })
    const queue = served({
      username: 'processor',
      password: () => 'secret',
      sentinel: { name: 'mymaster', nodes: [{ host: '127.0.0.1', port: sentinelPort }], password: () => 'watching' },
      tls: { ca: tls.ca },
    })
    expect(await queue.submit('one', 'one')).toBe('one done')
  })

  test('as a cluster, as a user whose password is rotated', async () => {
    const nodes = await cluster(() => [])
    const setPassword = async (password: string) => {
      for (const node of nodes) {
        await node.cli('ACL', 'SETUSER', 'processor', 'on', 'resetpass', `>${password}`, ...allowed)
        await node.cli('CLIENT', 'KILL', 'USER', 'processor').catch(() => undefined)
      }
    }
    let password = 'first'
    await setPassword(password)
    const queue = served({
      cluster: { nodes: [{ host: '127.0.0.1', port: nodes[0].port }] },
      username: 'processor',
      password: () => password,
    })
    expect(await queue.submit('one', 'one')).toBe('one done')
    password = 'second'
    await setPassword(password)
    expect(await queue.submit('two', 'two')).toBe('two done')
  })

  test('as a cluster over TLS, whose certificates are for the names of its nodes', async () => {
    const tls = await certificates('cluster', 'DNS:localhost')
    const names = ['--cluster-announce-hostname', 'localhost', '--cluster-preferred-endpoint-type', 'hostname']
    const nodes = await cluster(
      (port) => [
        '--port',
        '0',
        '--tls-port',
        String(port),
        ...tlsOptions(tls),
        '--tls-auth-clients',
        'no',
        '--tls-cluster',
        'yes',
        ...names,
      ],
      ['--tls', '--cacert', tls.ca, '-h', 'localhost'],
    )
    const queue = served({ cluster: { nodes: [{ host: 'localhost', port: nodes[0].port }] }, tls: { ca: tls.ca } })
    expect(await queue.submit('one', 'one')).toBe('one done')
  })
})
