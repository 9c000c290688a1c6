import { parseJson } from '../../formats/json/exact.ts'
import { isObject } from '../../formats/json/expect.ts'
import { type Lacking, WorkError } from '../../model/failure.ts'
import type { HttpAnswer } from '../http/undici.ts'

/** One exchange with a catalog, as it is spoken of in messages: `what` is the purpose, `where` method and URL without its query. */
export interface Exchange {
  readonly what: string
  readonly where: string
  readonly answer: HttpAnswer
}

/** The error that a catalog answered with (REST catalog specification, `ErrorModel`), or what stands in its place. */
export interface AnsweredError {
  /** Null where the body is not in Iceberg's form, so that something else than a catalog may have answered. */
  readonly type: string | null
  readonly message: string
}

const longestMessage = 500

export function answeredError({ answer }: Exchange): AnsweredError {
  const body = answer.body.trim()
  if (body === '') return { type: null, message: 'an empty body' }
  if (body.startsWith('<')) return { type: null, message: 'an HTML or XML page, not an Iceberg error' }
  const value = parsed(body)
  const error = isObject(value) ? value['error'] : undefined
  if (!isObject(error)) return { type: null, message: `not an Iceberg error: ${oneLine(body)}` }
  const { type, message } = error
  return { type: typeof type === 'string' ? type : 'error', message: oneLine(typeof message === 'string' ? message : 'no message') }
}

/** A sentence with purpose, place, status, the catalog's own words, and what to do where the status tells. */
export function sentence(exchange: Exchange): string {
  const { status } = exchange.answer
  const { type, message } = answeredError(exchange)
  const words = type === null ? message : `${type}: ${message}`
  const advice = adviceFor(exchange)
  return `${exchange.what}: ${exchange.where} answered ${status} (${words})${advice === '' ? '' : `. ${advice}`}`
}

/** The failure that an answer is which nothing else makes sense of. */
export function workError(exchange: Exchange, lacking = lackingIn(exchange)): WorkError {
  return new WorkError(sentence(exchange), { retry: retryFor(exchange.answer.status), lacking })
}

/** What AWS says to keys and signatures that it does not accept, with 403 or 400. */
const unknownKeys =
  /UnrecognizedClient|InvalidClientTokenId|InvalidSignature|SignatureDoesNotMatch|IncompleteSignature|MissingAuthenticationToken|ExpiredToken|security token included in the request is/

/** What AWS says where the time of a signed request is not its own. */
const otherTime = /Signature (?:expired|not yet current)|RequestTimeTooSkewed|RequestExpired/

/** What the catalog found wanting in who asks. */
export function lackingIn(exchange: Exchange): Lacking | undefined {
  const { status } = exchange.answer
  if (status === 401 || status === 419) return 'identity'
  if ((status !== 400 && status !== 403) || isTakenPlace(exchange)) return undefined
  const { type, message } = answeredError(exchange)
  if (otherTime.test(`${type}: ${message}`)) return 'clock'
  if (unknownKeys.test(`${type}: ${message}`)) return 'identity'
  // Lake Formation's refusals are told as 400 by some of AWS' endpoints.
  return status === 403 || type === 'AccessDeniedException' ? 'right' : undefined
}

/** Whether the answer says, in Iceberg's form, that what was asked for does not exist. */
export function isMissing(exchange: Exchange): boolean {
  return exchange.answer.status === 404 && answeredError(exchange).type !== null
}

/** Whether a table was not created because its place overlaps with another's, or a namespace's: Polaris' words, and its status. */
export function isTakenPlace(exchange: Exchange): boolean {
  return exchange.answer.status === 403 && /conflicts with existing table/i.test(answeredError(exchange).message)
}

/** Whether a commit was not taken because the table's metadata would become larger than the catalog takes. */
function isTooLarge(exchange: Exchange): boolean {
  const { status } = exchange.answer
  return (status === 400 || status === 413) && /metadata\b.*\b(?:exceeds|too large)/i.test(answeredError(exchange).message)
}

function retryFor(status: number): 'later' | 'never' {
  // A token may be renewed while we run, by rotation of its file; a missing right is not.
  return status >= 500 || status === 408 || status === 429 || status === 401 || status === 419 ? 'later' : 'never'
}

function adviceFor(exchange: Exchange): string {
  const { status, headers } = exchange.answer
  const location = headers['location']
  if (status >= 300 && status < 400) {
    return `Redirects${location === undefined ? '' : ` (to ${hostOf(location)})`} are not followed: the endpoint is probably the wrong host, or a login page`
  }
  if (status === 401) return 'Check the token: it is missing, wrong or expired'
  if (status === 419) return 'The token has expired: renew it'
  const lacking = lackingIn(exchange)
  if (lacking === 'identity') return 'Check the AWS keys that requests are signed with, the region, and the clock'
  if (lacking === 'clock') return "This machine's clock is not AWS': set it by NTP"
  if (lacking === 'right') return 'The token is known, but lacks the right to do this: grant it in the catalog'
  if (isTakenPlace(exchange)) {
    return "The catalog's other table or namespace keeps that place, also where it was renamed since: drop it, or give the topic's mapping another name as table"
  }
  if (isTooLarge(exchange)) {
    return "The table's metadata is too large for the catalog: expire snapshots, by the catalog's own settings where it does that itself and else by `iceberg-processor expire`, and drop branches and tags that keep old ones"
  }
  return ''
}

function hostOf(location: string): string {
  return URL.parse(location)?.host ?? 'another path'
}

function parsed(body: string): unknown {
  try {
    return parseJson(body, 'the answer')
  } catch {
    return undefined
  }
}

function oneLine(text: string): string {
  const line = text.replace(/[\p{Cc}\s]+/gu, ' ').trim()
  return line.length > longestMessage ? `${line.slice(0, longestMessage)}…` : line
}
