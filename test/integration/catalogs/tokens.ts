import { randomUUID } from 'node:crypto'
import { json, type PolicyProxy } from './policy-proxy.ts'
import type { ProxyAnswer, SeenRequest } from '../proxy.ts'

/** Who may have tokens (RFC 6749, section 4.4), and for how long. */
export interface TokenRules {
  readonly clientId: string
  readonly clientSecret: string
  readonly scope: string
  readonly lifeMs: number
  /** What is said of each error beside its name. */
  readonly descriptions?: Readonly<Record<string, string>>
}

/** The tokens that a product gave out. */
export interface Tokens {
  /** What a request to the token endpoint is answered. */
  answer(request: SeenRequest): ProxyAnswer
  /** Whether a request shows one that is good now. */
  accepts(request: SeenRequest): boolean
  /** Ends all that were given out so far. */
  revoke(): void
  /** Whether the client is known; without it, nobody gets a token. */
  setKnown(isKnown: boolean): void
  /** Every token that was ever given out. */
  readonly issued: readonly string[]
}

/** A product's proxy whose tokens a test may revoke. */
export interface TokenProxy extends PolicyProxy {
  readonly tokens: Tokens
}

export function tokens({ clientId, clientSecret, scope, lifeMs, descriptions = {} }: TokenRules): Tokens {
  const goodUntilMs = new Map<string, number>()
  const issued: string[] = []
  let isKnown = true
  const refused = (status: number, name: string) => json(status, { error: name, error_description: descriptions[name] })
  return {
    issued,
    answer({ method, headers, body }) {
      if (method !== 'POST' || headers['content-type']?.startsWith('application/x-www-form-urlencoded') !== true)
        return refused(400, 'invalid_request')
      const form = new URLSearchParams(body.toString())
      if (form.get('grant_type') !== 'client_credentials') return refused(400, 'unsupported_grant_type')
      // RFC 6749, section 2.3.1: in the form or as HTTP has it.
      const basic = Buffer.from(headers.authorization?.replace(/^Basic /, '') ?? '', 'base64').toString()
      const shown = form.has('client_secret') ? `${form.get('client_id')}:${form.get('client_secret')}` : basic
      if (!isKnown || shown !== `${clientId}:${clientSecret}`) return refused(401, 'unauthorized_client')
      if (form.get('scope') !== scope) return refused(400, 'invalid_scope')
      const token = `token-${randomUUID()}`
      issued.push(token)
      goodUntilMs.set(token, Date.now() + lifeMs)
      return json(200, { access_token: token, token_type: 'bearer', expires_in: lifeMs / 1000 })
    },
    accepts: ({ headers }) => (goodUntilMs.get(headers.authorization?.replace(/^Bearer /, '') ?? '') ?? 0) > Date.now(),
    revoke: () => goodUntilMs.clear(),
    setKnown(known) {
      isKnown = known
    },
  }
}
