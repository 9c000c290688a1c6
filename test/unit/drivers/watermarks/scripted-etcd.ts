import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** An etcd whose JSON gateway answers from a map; what it must do wrong is switched on by tests. */
export interface ScriptedEtcd {
  readonly url: string
  readonly keys: Map<string, string>
  /** Paths and bodies asked for, in order. */
  readonly asked: { readonly path: string; readonly token: string | undefined; readonly body: Record<string, unknown> }[]
  /** Answers instead of the usual one. */
  answer: ((path: string) => { readonly status: number; readonly body: object } | undefined) | null
  /** Puts or deletes a key and tells all watches. */
  set(key: string, value: string | null): void
  /** Sends a raw line to all watches. */
  send(line: string): void
  /** Ends the watches that stand. */
  endWatches(): void
  watches(): number
  stop(): Promise<void>
}

const encode = (text: string) => Buffer.from(text).toString('base64')

export async function scriptedEtcd(): Promise<ScriptedEtcd> {
  const keys = new Map<string, string>()
  const watches = new Set<ServerResponse>()
  const asked: ScriptedEtcd['asked'] = []
  const etcd: { answer: ScriptedEtcd['answer'] } = { answer: null }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const path = request.url ?? ''
    const body = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>
    asked.push({ path, token: request.headers.authorization, body })
    const scripted = etcd.answer?.(path)
    if (scripted !== undefined) {
      response.writeHead(scripted.status, { 'content-type': 'application/json' }).end(JSON.stringify(scripted.body))
    } else if (path === '/v3/auth/authenticate') response.end(JSON.stringify({ token: 'token.1' }))
    else if (path === '/v3/kv/range') response.end(JSON.stringify(rangeOf(keys, body)))
    else {
      watches.add(response)
      response.on('close', () => watches.delete(response))
      response.write(`${JSON.stringify({ result: { header: {}, created: true } })}\n`)
    }
  }

  const server: Server = createServer((request, response) => void handle(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const send = (line: string) => {
    for (const watch of watches) watch.write(`${line}\n`)
  }
  return Object.assign(etcd, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    keys,
    asked,
    send,
    set(key: string, value: string | null) {
      if (value === null) keys.delete(key)
      else keys.set(key, value)
      const kv = value === null ? { key: encode(key) } : { key: encode(key), value: encode(value) }
      send(JSON.stringify({ result: { header: {}, events: [value === null ? { type: 'DELETE', kv } : { kv }] } }))
    },
    endWatches() {
      for (const watch of watches) watch.destroy()
    },
    watches: () => watches.size,
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  })
}

/** Pages of two keys, so that a reader must go on. */
function rangeOf(keys: ReadonlyMap<string, string>, body: Record<string, unknown>): object {
  const from = Buffer.from(String(body.key), 'base64').toString()
  const all = [...keys].sort(([a], [b]) => (a < b ? -1 : 1)).filter(([key]) => key >= from)
  const kvs = all.slice(0, 2).map(([key, value]) => ({ key: encode(key), value: encode(value) }))
  return { header: { revision: '7' }, kvs, more: all.length > kvs.length }
}
