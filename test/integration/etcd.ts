import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type KillableServer, startKillable } from './killable-server.ts'
import { freePort, install } from './servers.ts'

/** A real etcd of one member on loopback, which a test may kill and start again over the same data. */
export interface Etcd extends KillableServer {
  readonly url: string
  put(key: string, value: string): Promise<void>
  /** Any call of the JSON gateway, as root where users are asked for. Throws an Error where it is refused. */
  call(path: string, body: object): Promise<Record<string, unknown>>
  stop(): Promise<void>
}

const root = { name: 'root', password: 'root of all' }

/** Starts etcd, installed where it is missing. */
export async function startEtcd(): Promise<Etcd> {
  await install('etcd')
  const directory = await mkdtemp(join(tmpdir(), 'etcd-'))
  const [port, peerPort] = [await freePort(), await freePort()]
  const url = `http://127.0.0.1:${port}`
  const peer = `http://127.0.0.1:${peerPort}`
  let users = false

  async function call(path: string, body: object): Promise<Record<string, unknown>> {
    const headers: Record<string, string> = {}
    if (users) headers.authorization = String((await post('/v3/auth/authenticate', root, {})).token)
    const answer = await post(path, body, headers)
    if (path === '/v3/auth/enable') users = true
    return answer
  }

  async function post(path: string, body: object, headers: Record<string, string>): Promise<Record<string, unknown>> {
    const answer = await fetch(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
    return (await answer.json()) as Record<string, unknown>
  }

  const names = ['--name', 'one', '--initial-cluster', `one=${peer}`, '--initial-advertise-peer-urls', peer]
  const urls = ['--listen-client-urls', url, '--advertise-client-urls', url, '--listen-peer-urls', peer]
  const isUp = async () => (await fetch(`${url}/health`).catch(() => null))?.ok === true
  const { start, kill } = await startKillable('etcd', ['--data-dir', join(directory, 'data'), ...names, ...urls], isUp)
  return {
    url,
    call,
    async put(key, value) {
      await call('/v3/kv/put', { key: encode(key), value: encode(value) })
    },
    kill,
    start,
    async stop() {
      await kill()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** Users are asked for from now on: root, and `name`, who may read what KafScale writes. */
export async function askForUsers(etcd: Etcd, name: string, password: string): Promise<void> {
  await etcd.call('/v3/auth/role/add', { name: 'reader' })
  const perm = { permType: 'READ', key: encode('/kafscale/'), range_end: encode('/kafscale0') }
  await etcd.call('/v3/auth/role/grant', { name: 'reader', perm })
  await etcd.call('/v3/auth/user/add', { name, password })
  await etcd.call('/v3/auth/user/grant', { user: name, role: 'reader' })
  await etcd.call('/v3/auth/user/add', root)
  await etcd.call('/v3/auth/user/grant', { user: root.name, role: 'root' })
  await etcd.call('/v3/auth/enable', {})
}

/** The key of a topic-partition's high watermark. */
export function watermarkKey(topic: string, partition: number): string {
  return `/kafscale/topics/${topic}/partitions/${partition}/next_offset`
}

function encode(text: string): string {
  return Buffer.from(text).toString('base64')
}
