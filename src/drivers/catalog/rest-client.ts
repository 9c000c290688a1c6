import { stringifyJson } from '../../formats/json/exact.ts'
import { WorkError } from '../../model/failure.ts'
import type { Clock } from '../../seams/clock.ts'
import { httpClient, HttpFailure } from '../http/undici.ts'
import type { HttpAnswer, HttpClient } from '../http/undici.ts'
import type { Exchange } from './rest-answer.ts'
import type { RestAuth } from './rest-auth.ts'

export interface RestClientOptions {
  readonly clock: Clock
  /** In whose name requests are sent, given the connections to the catalog. */
  readonly auth: (http: HttpClient) => RestAuth
  /** Sent with every request; asked before each, since secrets are renewed while we run. */
  readonly headers?: () => Readonly<Record<string, string>>
  /** From asking for a connection until the whole answer is read, ms; 60 s unless given. */
  readonly timeoutMs?: number
}

export interface RestCall {
  /** Its purpose, for messages: `loading a.b`. */
  readonly what: string
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly url: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** What became of a call that is sent once. */
export type Sent = Exchange | { readonly failure: string; readonly sent: boolean }

export interface RestClient {
  /** Sends exactly once. A failure below HTTP is a value: whether the request was carried out may be unknown. */
  once(call: RestCall): Promise<Sent>
  /**
   * Sends what may be carried out twice, up to four times while the catalog is overloaded (429, 500, 502, 503, 504) or out of reach.
   * Gives the last answer, whatever its status; throws a WorkError where there was none.
   */
  repeatable(call: RestCall): Promise<Exchange>
  close(): Promise<void>
}

const connections = 8
const connectTimeoutMs = 10_000
const defaultTimeoutMs = 60_000
/** Metadata of a table with 100,000 snapshots is around 60 MB. */
const maxAnswerBytes = 256 * 1024 * 1024
const attempts = 4
const firstPauseMs = 250
const longestPauseMs = 60_000
/** What is answered to a token that is wrong or expired (419: Iceberg REST specification, `AuthenticationTimeoutResponse`). */
const refusals: ReadonlySet<number> = new Set([401, 419])
const transientStatuses: ReadonlySet<number> = new Set([429, 500, 502, 503, 504])

export function restClient(options: RestClientOptions): RestClient {
  const { clock, headers = (): Record<string, string> => ({}), timeoutMs = defaultTimeoutMs } = options
  const http = httpClient({ connectionsPerHost: connections, timeoutMs, connectTimeoutMs, maxAnswerBytes })
  const auth = options.auth(http)
  /** Until when the catalog asked us to stay away (Retry-After). */
  let quietUntilMs = 0

  async function once(call: RestCall): Promise<Sent> {
    await clock.sleep(Math.max(0, quietUntilMs - clock.now()))
    const { sent, shown } = await attempt(call)
    // A request that was not accepted was not carried out: with a new token, it is sent for the first time.
    const isRefused = 'answer' in sent && refusals.has(sent.answer.status)
    return isRefused && auth.refused(shown) ? (await attempt(call)).sent : sent
  }

  async function attempt(call: RestCall): Promise<{ sent: Sent; shown: Readonly<Record<string, string>> }> {
    const where = `${call.method} ${placeOf(call.url)}`
    const own = headers()
    const redact = (text: string): string =>
      [...auth.secrets(), ...Object.values(own)]
        .filter((secret) => secret.length >= shortestSecret)
        .reduce((clean, secret) => clean.replaceAll(secret, '***'), text)
    const request = {
      method: call.method,
      url: call.url,
      headers: {
        accept: 'application/json',
        // What a proxy remembers of a table is not what it is now.
        'cache-control': 'no-cache',
        'user-agent': 'iceberg-processor',
        ...own,
        ...call.headers,
        ...(call.body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body: call.body === undefined ? undefined : stringifyJson(call.body),
    }
    const shown = await auth.headersFor(request)
    try {
      const answer = await http.send({ ...request, headers: { ...request.headers, ...shown } })
      quietUntilMs = Math.max(quietUntilMs, clock.now() + retryAfterMs(answer, clock.now()))
      const told = answer.status < 400 ? answer : { ...answer, body: redact(answer.body) }
      return { sent: { what: call.what, where, answer: told }, shown }
    } catch (error) {
      if (!(error instanceof HttpFailure)) throw error
      return { sent: { failure: `${call.what}: ${where} failed (${redact(error.message)})`, sent: error.sent }, shown }
    }
  }

  async function repeatable(call: RestCall): Promise<Exchange> {
    for (let tried = 1; ; tried += 1) {
      const outcome = await once(call)
      const last = tried === attempts
      if ('answer' in outcome && (last || !transientStatuses.has(outcome.answer.status))) return outcome
      if ('failure' in outcome && last)
        throw new WorkError(`${outcome.failure}, ${attempts} times`, { retry: 'later', lacking: 'endpoint' })
      await clock.sleep(firstPauseMs * 4 ** (tried - 1))
    }
  }

  return { once, repeatable, close: () => http.close() }
}

/** Header values that are shorter say nothing secret, and would blot out half of a message. */
const shortestSecret = 8

/** How long an overloaded catalog wants to be left alone: seconds or a date (RFC 9110, 10.2.3), a minute at most. */
function retryAfterMs(answer: HttpAnswer, nowMs: number): number {
  const value = answer.headers['retry-after']
  if (value === undefined || !transientStatuses.has(answer.status)) return 0
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - nowMs
  return Number.isNaN(ms) ? 0 : Math.min(Math.max(0, ms), longestPauseMs)
}

/** Host and path: no user name, no password, no query. */
function placeOf(url: string): string {
  const parsed = URL.parse(url)
  return parsed === null ? 'a URL that can not be read' : `${parsed.host}${parsed.pathname}`
}
