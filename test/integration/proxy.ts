import { createServer, type IncomingHttpHeaders, type IncomingMessage, request as send, type ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'

/** A request that the proxy received whole. */
export interface SeenRequest {
  readonly method: string
  /** With its query. */
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** An answer to give. */
export interface ProxyAnswer {
  readonly status: number
  readonly headers?: IncomingHttpHeaders
  readonly body?: string | Uint8Array
  /** Give only this many bytes of the body, and then reset the connection. */
  readonly cutAfter?: number
}

/** Hands a request on, as it came or with parts of another, and gives the server's answer. */
export type Forward = (instead?: Partial<SeenRequest>) => Promise<ProxyAnswer>

/** What becomes of a request. Null: the connection is reset. */
export type Treatment = (request: SeenRequest, forward: Forward) => Promise<ProxyAnswer | null>

/** A proxy in front of one HTTP server. Headers, the host's name among them, pass as they are, so that signatures hold. */
export interface FaultProxy {
  readonly url: string
  close(): Promise<void>
}

/** Starts a proxy in front of the server at `target`; everything is forwarded unless `treatment` says otherwise. */
export async function faultProxy(target: string, treatment: Treatment = (_, forward) => forward()): Promise<FaultProxy> {
  async function serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const body = await buffer(incoming)
    const { method = 'GET', url: path = '/', headers } = incoming
    try {
      const request = { method, path, headers, body }
      give(outgoing, await treatment(request, (instead) => forwarded(target, { ...request, ...instead })))
    } catch {
      outgoing.destroy()
    }
  }

  const server = createServer((incoming, outgoing) => {
    // A client that went away has no part in what becomes of its request.
    incoming.on('error', () => undefined)
    outgoing.on('error', () => undefined)
    serve(incoming, outgoing).catch(() => outgoing.destroy())
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('a listening TCP server has no port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function forwarded(target: string, { method, path, headers, body }: SeenRequest): Promise<ProxyAnswer> {
  return new Promise((resolve, reject) => {
    const sized = method === 'GET' || method === 'HEAD' ? headers : { ...headers, 'content-length': String(body.length) }
    const outgoing = send(target + path, { method, headers: sized, agent: false }, (answer) => {
      buffer(answer).then((bytes) => resolve({ status: answer.statusCode ?? 502, headers: answer.headers, body: bytes }), reject)
    })
    outgoing.once('error', reject)
    outgoing.end(body)
  })
}

function give(outgoing: ServerResponse, answer: ProxyAnswer | null): void {
  if (answer === null) {
    outgoing.socket?.resetAndDestroy()
    return
  }
  const body = Buffer.from(answer.body ?? '')
  const { 'transfer-encoding': _, connection: __, ...headers } = answer.headers ?? { 'content-type': 'application/json' }
  // An answer to HEAD tells the length of a body that it does not have.
  outgoing.writeHead(answer.status, { 'content-length': body.length, ...headers })
  if (answer.cutAfter === undefined) outgoing.end(body)
  else outgoing.write(body.subarray(0, answer.cutAfter), () => outgoing.socket?.resetAndDestroy())
}
