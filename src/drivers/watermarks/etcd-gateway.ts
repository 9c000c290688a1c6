import { httpClient, type HttpClient } from '../http/undici.ts'

/*
 * etcd's JSON gateway (https://etcd.io/docs/v3.4/dev-guide/api_grpc_gateway/): each call is a POST of JSON; keys and values are base64,
 * int64 are decimal texts, and what has its default value is left out.
 *
 *   /v3/auth/authenticate  {name, password}                                       → {token}
 *   /v3/kv/range           {key, range_end, limit, revision}                      → {header: {revision}, kvs: [{key, value}], more}
 *   /v3/watch              {create_request: {key, range_end, start_revision}}     → a line each: {result: {created | events | canceled}}
 */

/** A key with its value. */
export interface KeyValue {
  readonly key: string
  readonly value: string
}

/** A change of a key; without value it was deleted. */
export interface KeyChange {
  readonly key: string
  readonly value: string | null
}

/** One member of etcd, once somebody has said who he is. Every failure is an Error that names no secret. */
export interface EtcdMember {
  /** All keys that begin with the prefix, as of one revision. */
  range(): Promise<{ readonly revision: bigint; readonly pairs: readonly KeyValue[] }>
  /** Asks the cluster for anything: throws where it does not answer. */
  probe(): Promise<void>
  /** What changes from a revision on, until `signal` aborts; first nothing, once the watch stands. Ends by throwing. */
  watch(fromRevision: bigint, signal: AbortSignal): AsyncGenerator<readonly KeyChange[]>
}

interface Wire {
  readonly token?: string
  readonly header?: { readonly revision?: string }
  readonly kvs?: readonly { readonly key: string; readonly value?: string }[]
  readonly more?: boolean
}

interface WatchLine {
  readonly result?: {
    readonly canceled?: boolean
    readonly cancel_reason?: string
    readonly compact_revision?: string
    readonly events?: readonly { readonly type?: 'PUT' | 'DELETE'; readonly kv: { readonly key: string; readonly value?: string } }[]
  }
  readonly error?: { readonly message?: string }
}

const timeoutMs = 5_000
/** Keys of one answer: it stays small, however many topic-partitions there are. */
const pageKeys = 5_000
const maxAnswerBytes = 64 * 1024 * 1024
const maxLineBytes = 64 * 1024 * 1024

/** A pool of connections to etcd's members; the watch takes one of them. */
export function etcdClient(): HttpClient {
  return httpClient({ connectionsPerHost: 2, timeoutMs, connectTimeoutMs: timeoutMs, maxAnswerBytes })
}

/** Logs in where there is a user. Throws an Error where the member does not answer or refuses. */
export async function openMember(
  http: HttpClient,
  endpoint: string,
  prefix: string,
  user: { readonly name: string; readonly password: string } | null,
): Promise<EtcdMember> {
  const url = endpoint.replace(/\/+$/, '')
  let headers: Record<string, string> = { 'content-type': 'application/json' }

  async function call(path: string, body: object): Promise<Wire> {
    const answer = await http.send({ method: 'POST', url: `${url}${path}`, headers, body: JSON.stringify(body) })
    if (answer.status !== 200) throw new Error(`${path} was answered with ${answer.status}: ${reasonIn(answer.body)}`)
    return JSON.parse(answer.body) as Wire
  }

  if (user !== null) {
    const { token } = await call('/v3/auth/authenticate', user)
    if (token === undefined) throw new Error('/v3/auth/authenticate gave no token')
    headers = { ...headers, authorization: token }
  }
  const keys = {
    key: encode(prefix),
    range_end: encode(prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1)),
  }
  return {
    async range() {
      const pairs: KeyValue[] = []
      let [key, revision] = [keys.key, '0']
      for (;;) {
        const page = await call('/v3/kv/range', { ...keys, key, limit: String(pageKeys), revision })
        if (revision === '0') revision = page.header?.revision ?? '0'
        for (const kv of page.kvs ?? []) pairs.push({ key: decode(kv.key), value: decode(kv.value) })
        const last = pairs.at(-1)
        if (page.more !== true || last === undefined) return { revision: BigInt(revision), pairs }
        key = encode(`${last.key}\0`)
      }
    },
    async probe() {
      await call('/v3/kv/range', { key: keys.key, limit: '1', keys_only: true })
    },
    async *watch(fromRevision, signal) {
      const body = JSON.stringify({ create_request: { ...keys, start_revision: String(fromRevision) } })
      const { status, chunks } = await http.stream({ method: 'POST', url: `${url}/v3/watch`, headers, body }, signal)
      for await (const line of linesOf(chunks)) {
        if (status !== 200) throw new Error(`/v3/watch was answered with ${status}: ${reasonIn(line)}`)
        const { result, error } = JSON.parse(line) as WatchLine
        if (result === undefined) throw new Error(`/v3/watch failed: ${error?.message ?? 'no reason was given'}`)
        if (result.canceled === true) {
          throw new Error(`the watch was canceled: ${result.cancel_reason ?? `history before revision ${result.compact_revision} is gone`}`)
        }
        yield (result.events ?? []).map(({ type, kv }) => ({ key: decode(kv.key), value: type === 'DELETE' ? null : decode(kv.value) }))
      }
      throw new Error('the watch ended')
    },
  }
}

async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop()!
    if (rest.length > maxLineBytes) throw new Error(`/v3/watch sent a line of more than ${maxLineBytes} bytes`)
    for (const line of lines) if (line.trim() !== '') yield line
  }
  if (rest.trim() !== '') yield rest
}

/** What a refusal says, cut short. */
function reasonIn(body: string): string {
  try {
    const { error, message } = JSON.parse(body) as { error?: unknown; message?: unknown }
    for (const reason of [message, error]) if (typeof reason === 'string') return reason.slice(0, 200)
  } catch {
    // No JSON: told as it is.
  }
  return body.trim().slice(0, 200)
}

function encode(text: string): string {
  return Buffer.from(text).toString('base64')
}

function decode(base64 = ''): string {
  return Buffer.from(base64, 'base64').toString()
}
