import { Agent, request } from 'undici'

export { Agent, errors } from 'undici'
export type { Dispatcher } from 'undici'

/** One bounded pool of connections: what is sent through it waits for a free one. It never retries and never follows redirects. */
export interface HttpClient {
  send(request: HttpRequest): Promise<HttpAnswer>
  /** As `send`, but gives the body as it comes, for as long as it comes: only the headers must come in time. `signal` ends it. */
  stream(request: HttpRequest, signal: AbortSignal): Promise<HttpStream>
  /** Ends all connections; requests in flight fail. */
  close(): Promise<void>
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'DELETE' | 'HEAD'
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

export interface HttpAnswer {
  readonly status: number
  /** By lower-case name; of a header that came several times, the first. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** An answer whose body is read while it is being sent. The chunks end with an HttpFailure where the connection does. */
export interface HttpStream {
  readonly status: number
  readonly chunks: AsyncIterable<Uint8Array>
}

export interface HttpBounds {
  readonly connectionsPerHost: number
  /** From asking for a connection until the whole answer is read, ms. */
  readonly timeoutMs: number
  readonly connectTimeoutMs: number
  readonly maxAnswerBytes: number
}

/** No answer came, or not all of it. `sent` is false only where the server surely never saw the request. */
export class HttpFailure extends Error {
  override readonly name = 'HttpFailure'
  readonly sent: boolean
  constructor(message: string, sent: boolean) {
    super(message)
    this.sent = sent
  }
}

/** Shorter than the idle time-outs of servers and proxies, so that a request seldom meets a connection that is just being closed. */
const idleConnectionMs = 4_000

export function httpClient(bounds: HttpBounds): HttpClient {
  const agent = new Agent({
    connections: bounds.connectionsPerHost,
    pipelining: 1,
    allowH2: false,
    connect: { timeout: bounds.connectTimeoutMs },
    headersTimeout: bounds.timeoutMs,
    bodyTimeout: bounds.timeoutMs,
    keepAliveTimeout: idleConnectionMs,
    keepAliveMaxTimeout: idleConnectionMs,
    maxResponseSize: bounds.maxAnswerBytes,
  })
  return {
    async send({ method, url, headers, body }) {
      try {
        const signal = AbortSignal.timeout(bounds.timeoutMs)
        const answer = await request(url, { dispatcher: agent, method, headers, body, signal })
        return { status: answer.statusCode, headers: firstValues(answer.headers), body: await answer.body.text() }
      } catch (error) {
        throw failureOf(error, bounds)
      }
    },
    async stream({ method, url, headers, body }, signal) {
      try {
        const answer = await request(url, { dispatcher: agent, method, headers, body, signal, bodyTimeout: 0 })
        return { status: answer.statusCode, chunks: chunksOf(answer.body, bounds) }
      } catch (error) {
        throw failureOf(error, bounds)
      }
    },
    close: () => agent.destroy(),
  }
}

async function* chunksOf(body: AsyncIterable<Uint8Array>, bounds: HttpBounds): AsyncGenerator<Uint8Array> {
  try {
    yield* body
  } catch (error) {
    throw failureOf(error, bounds)
  }
}

function firstValues(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  const first: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    const text = Array.isArray(value) ? value[0] : value
    if (text !== undefined) first[name.toLowerCase()] = text
  }
  return first
}

function failureOf(error: unknown, bounds: HttpBounds): HttpFailure {
  const { name, code, message } = error as { name?: string; code?: string; message?: string }
  const reason =
    name === 'TimeoutError'
      ? `no answer within ${bounds.timeoutMs} ms`
      : [code, message].filter((part) => part !== undefined && part !== '').join(': ')
  return new HttpFailure(reason === '' ? String(error) : reason, !neverConnected(error))
}

/** A request that could not be made, or a connection. Several addresses of one name fail together, as an AggregateError. */
function neverConnected(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.length > 0 && error.errors.every(neverConnected)
  const { code, syscall } = error as { code?: string; syscall?: string }
  return (
    code === 'UND_ERR_CONNECT_TIMEOUT' ||
    code === 'UND_ERR_INVALID_ARG' ||
    code === 'ERR_INVALID_URL' ||
    syscall === 'connect' ||
    syscall === 'getaddrinfo'
  )
}
