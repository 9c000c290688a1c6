import { createServer, type Server } from 'node:http'
import { WorkError } from '../model/failure.ts'

/** What a request is answered with. */
export interface Answer {
  readonly status: number
  readonly contentType: string
  readonly body: string
}

/** What there is to get, by path. */
export type Routes = Readonly<Record<string, () => Answer | Promise<Answer>>>

/** A server that is listening. */
export interface Listening {
  readonly port: number
  close(): Promise<void>
}

/** How long a client may take to send its few bytes, ms. */
const requestTimeoutMs = 10_000

/** Answers GET and HEAD at `address` (`:9093`, `127.0.0.1:9093`, `[::1]:9093`). Throws a WorkError where that can not be listened on. */
export async function listen(address: string, routes: Routes): Promise<Listening> {
  const colon = address.lastIndexOf(':')
  const host = address.slice(0, colon).replaceAll(/^\[|\]$/g, '')
  const server = createServer({ requestTimeout: requestTimeoutMs, headersTimeout: requestTimeoutMs }, (request, response) => {
    void answerTo(request.method, request.url ?? '/', routes).then(({ status, contentType, body }) => {
      response.writeHead(status, {
        'content-type': contentType,
        'content-length': Buffer.byteLength(body),
        'cache-control': 'no-store',
        ...(status === 405 && { allow: 'GET, HEAD' }),
      })
      response.end(request.method === 'HEAD' ? undefined : body)
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'another process listens there' : error.message
      reject(
        new WorkError(`metrics can not be served at ${address}: ${why}; change spec.metrics.address, or give --metrics-address`, {
          retry: 'never',
          cause: error,
        }),
      )
    })
    server.listen(Number(address.slice(colon + 1)), host === '' ? undefined : host, resolve)
  })
  return { port: portOf(server), close: () => closed(server) }
}

async function answerTo(method: string | undefined, url: string, routes: Routes): Promise<Answer> {
  if (method !== 'GET' && method !== 'HEAD') return plain(405, 'only GET and HEAD')
  const path = url.replace(/[?#].*$/, '')
  if (!Object.hasOwn(routes, path)) return plain(404, `nothing is here; there are ${Object.keys(routes).join(', ')}`)
  try {
    return await routes[path]()
  } catch (error) {
    return plain(500, error instanceof Error ? error.message : String(error))
  }
}

function plain(status: number, text: string): Answer {
  return { status, contentType: 'text/plain; charset=utf-8', body: `${text}\n` }
}

function portOf(server: Server): number {
  const address = server.address()
  return address === null || typeof address === 'string' ? 0 : address.port
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
