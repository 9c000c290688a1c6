import { parseJson } from '../../formats/json/exact.ts'
import { isObject } from '../../formats/json/expect.ts'
import { type Lacking, WorkError } from '../../model/failure.ts'
import type { Clock } from '../../seams/clock.ts'
import { type HttpAnswer, type HttpClient, HttpFailure } from '../http/undici.ts'
import type { RestAuth } from './rest-auth.ts'

/** OAuth2 client credentials (RFC 6749, section 4.4). */
export interface OAuth2Options {
  readonly clientId: string
  /** Asked at each refresh, since secrets rotate. */
  readonly clientSecret: () => string
  readonly tokenEndpoint: string
  readonly scope: string
  /** Sent to the token endpoint too: a Polaris realm is a header. */
  readonly headers: () => Readonly<Record<string, string>>
  readonly clock: Clock
}

interface Token {
  readonly text: string
  readonly refreshAtMs: number
  readonly expiresAtMs: number
}

/** A token is renewed this long before it expires, or at nine tenths of its life where that is shorter. */
const longestMarginMs = 300_000
/** Where an answer tells no life: RFC 6749 leaves it to the documentation, and an hour is what catalogs use. */
const assumedLifeSeconds = 3600
/** A renewal that failed is tried again after this, while the old token is still good. */
const retryMs = 10_000

/** Gets a token when the first request is sent, and renews it before it expires; one renewal is in flight at most. */
export function oauth2Auth(options: OAuth2Options, http: HttpClient): RestAuth {
  const { clock } = options
  let token: Token | null = null
  let shown: string | null = null
  let pending: Promise<Token> | null = null
  let quietUntilMs = 0

  function renew(): Promise<Token> {
    pending ??= askForToken(options, http)
      .then((fresh) => (token = fresh))
      .finally(() => (pending = null))
    return pending
  }

  async function current(): Promise<Token> {
    if (token === null || clock.now() >= token.expiresAtMs) return renew()
    if (clock.now() >= token.refreshAtMs && clock.now() >= quietUntilMs) {
      const usable = token
      // The old one is still good: a token endpoint that stumbles stops nobody before it is over.
      return renew().catch(() => {
        quietUntilMs = clock.now() + retryMs
        return usable
      })
    }
    return token
  }

  return {
    async headersFor() {
      shown = (await current()).text
      return { authorization: `Bearer ${shown}` }
    },
    secrets: () => [options.clientSecret(), ...(shown === null ? [] : [shown])],
    refused({ authorization }) {
      // Another request, refused as this one was, may have renewed it meanwhile.
      if (token !== null && authorization === `Bearer ${token.text}`) token = null
      return true
    },
  }
}

async function askForToken(options: OAuth2Options, http: HttpClient): Promise<Token> {
  const { clientId, tokenEndpoint, scope, clock } = options
  const clientSecret = options.clientSecret()
  const { host, pathname } = new URL(tokenEndpoint)
  const where = `getting a token for client ${clientId}: POST ${host}${pathname}`
  const sentAtMs = clock.now()
  const form = { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret, scope }
  let answer: HttpAnswer
  try {
    answer = await http.send({
      method: 'POST',
      url: tokenEndpoint,
      headers: { accept: 'application/json', ...options.headers(), 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(form).toString(),
    })
  } catch (error) {
    if (!(error instanceof HttpFailure)) throw error
    throw new WorkError(`${where} failed (${error.message})`, { retry: 'later', lacking: 'tokenEndpoint', cause: error })
  }
  const body = parsed(answer.body)
  const text = body['access_token']
  if (answer.status >= 200 && answer.status < 300 && typeof text === 'string' && text !== '') {
    const life = 1000 * (Number(body['expires_in']) || assumedLifeSeconds)
    return { text, expiresAtMs: sentAtMs + life, refreshAtMs: sentAtMs + life - Math.min(longestMarginMs, life / 10) }
  }
  const said = reasonIn(body).replaceAll(clientSecret, '***')
  // Secrets rotate and rights are granted while we run.
  const [lacking, advice] = adviceFor(answer.status)
  throw new WorkError(`${where} answered ${answer.status}${said}. ${advice}`, { retry: 'later', lacking })
}

/** RFC 6749, section 5.2; some catalogs answer with Iceberg's own form of errors. */
function reasonIn(body: Record<string, unknown>): string {
  const { error, error_description: description } = body
  const words = isObject(error) ? [error['type'], error['message']] : [error, description]
  const said = words.filter((word) => typeof word === 'string' && word !== '').join(': ')
  return said === '' ? '' : ` (${said.slice(0, 300)})`
}

function adviceFor(status: number): [Lacking | undefined, string] {
  if (status >= 500 || status === 429) return [undefined, 'The token endpoint is overloaded or broken']
  if (status >= 400 && status <= 403) return ['identity', 'Check oauth2.clientId, clientSecret and scope']
  return ['tokenEndpoint', 'No tokens are given there: check oauth2.tokenEndpoint, or the endpoint of the catalog that it is made from']
}

function parsed(text: string): Record<string, unknown> {
  try {
    const value = parseJson(text, 'the answer')
    return isObject(value) ? value : {}
  } catch {
    return {}
  }
}
