import { WorkError } from '../../model/failure.ts'
import { ObjectChanged, ObjectNotFound } from '../../seams/object-store.ts'
import type { Verdict } from './retry.ts'
import type { S3Options } from './s3-client.ts'

/** What was asked for, for verdicts and messages. */
export interface S3Question {
  readonly verb: 'list' | 'get' | 'put' | 'delete'
  /** The object's key, or the prefix of a listing. */
  readonly key: string
}

/** An answer whose body ended before its Content-Length. */
export class BodyCutShort extends Error {
  override readonly name = 'BodyCutShort'
}

/** What is read of an error of the SDK, of undici or of Node. */
interface Failure {
  readonly name?: string
  readonly code?: string
  readonly message?: string
  readonly $metadata?: { readonly httpStatusCode?: number }
  readonly $response?: { readonly headers?: Readonly<Record<string, string>> }
  /** The region S3 expects (AuthorizationHeaderMalformed). */
  readonly Region?: string
}

const permissions = { list: 's3:ListBucket', get: 's3:GetObject', put: 's3:PutObject', delete: 's3:DeleteObject' } as const

const throttled = new Set([
  'SlowDown',
  'Throttling',
  'ThrottlingException',
  'RequestLimitExceeded',
  'TooManyRequestsException',
  'RequestThrottled',
])
/** `RequestTimeTooSkewed`: the SDK has set its clock right by then. `Expired…`: the credentials are asked for again. */
const passing = new Set([
  'InternalError',
  'RequestTimeout',
  'RequestTimeTooSkewed',
  'OperationAborted',
  'TimeoutError',
  'BodyCutShort',
  'ExpiredToken',
])
const passingCodes = new Set([
  'ECONNRESET',
  'ECONNREFUSED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_SOCKET',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
])
const passingStatus = new Set([408, 500, 502, 503, 504])
const redirects = new Set([
  'PermanentRedirect',
  'TemporaryRedirect',
  'Redirect',
  'AuthorizationHeaderMalformed',
  'IllegalLocationConstraintException',
])
const otherTime = new Set(['RequestTimeTooSkewed', 'RequestExpired', 'RequestInTheFuture'])
const badCredentials = new Set(['InvalidAccessKeyId', 'SignatureDoesNotMatch', 'InvalidToken', 'InvalidSecurity'])

/** Whether a failed request is worth another attempt. */
export function judgeS3(error: unknown): Verdict {
  const { name = '', code = '', $metadata } = error as Failure
  const status = $metadata?.httpStatusCode ?? 0
  if (throttled.has(name) || status === 429 || status === 503) return 'slowly'
  return passing.has(name) || passingCodes.has(code) || passingStatus.has(status) ? 'soon' : 'give-up'
}

/** The error that the seam promises for a failed request. The cause has name, code and message alone: the SDK's own errors can hold a session token. */
export function s3Failure(error: unknown, question: S3Question, options: S3Options): Error {
  if (error instanceof WorkError || error instanceof ObjectNotFound || error instanceof ObjectChanged) return error
  const failure = error as Failure
  const { name = 'Error', code } = failure
  const status = failure.$metadata?.httpStatusCode
  const isBug = status === undefined && code === undefined && !passing.has(name) && name !== 'CredentialsProviderError'
  if (isBug) return error as Error
  const where = `s3://${options.bucket}/${question.key}`
  const said = [status, name, code, firstLine(failure.message)].filter((part) => part !== undefined && part !== '').join(' ')
  const work = (retry: WorkError['retry'], text: string, lacking?: WorkError['lacking']): WorkError => {
    return new WorkError(`cannot ${question.verb} ${where}: ${text} (${said})`, { retry, lacking, cause: bareCause(failure) })
  }

  if (name === 'NoSuchBucket')
    return work('never', `there is no bucket ${options.bucket} at ${options.endpoint ?? `AWS region ${options.region}`}`, 'bucket')
  if (redirects.has(name) || status === 301 || status === 307) {
    const expected = failure.$response?.headers?.['x-amz-bucket-region'] ?? failure.Region
    const elsewhere = expected === undefined ? 'the bucket lies elsewhere' : `the bucket lies in ${expected}`
    const text = `${elsewhere}, and the region option says ${options.region}: set the region, and the endpoint where there is one`
    return work('never', text, 'region')
  }
  if (name === 'InvalidObjectState') {
    return work(
      'never',
      `the object is archived (${question.verb} needs a copy that is online): restore it with RestoreObject, then try again`,
    )
  }
  if (question.verb === 'get') {
    if (status === 404) return new ObjectNotFound(`${where} does not exist`)
    if (status === 412) return new ObjectChanged(`${where} has been written again: its ETag is not the one that was asked for`)
    if (status === 416) return work('never', 'the range that was asked for starts at or after the end of the object')
  }
  if (name === 'NoSuchUpload') return work('later', 'somebody abandoned the multipart upload')
  // Keys may be rotated while we run: the old one is refused before the new one is there.
  if (badCredentials.has(name)) return work('later', 'the credentials are refused: check access key, secret and session token', 'identity')
  if (name === 'ExpiredToken') return work('later', 'the credentials have expired', 'identity')
  if (name === 'CredentialsProviderError') return work('later', 'no credentials were found', 'identity')
  if (otherTime.has(name)) return work('later', 'the store has another time than this machine: its clock is wrong', 'clock')
  if (status === 401 || status === 403) {
    const missing = question.verb === 'get' ? ', or there is no such object and s3:ListBucket is missing' : ''
    const text = `permission ${permissions[question.verb]} is missing for bucket ${options.bucket}, key ${question.key}${missing}`
    return work('never', text, 'right')
  }
  if (code === 'UND_ERR_DESTROYED' || code === 'UND_ERR_CLOSED') return work('never', 'the store was closed')
  if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE') return work('never', 'the answer is too long')
  const lacking = status === undefined ? 'endpoint' : undefined
  if (judgeS3(error) !== 'give-up') return work('later', 'the service did not answer as it should, several times', lacking)
  return work('never', status === undefined ? 'no connection can be made' : 'the service refused', lacking)
}

function bareCause({ name = 'Error', message }: Failure): Error {
  return Object.assign(new Error(firstLine(message)), { name, stack: undefined })
}

/** Servers' and the SDK's messages can be long; the rest is hints for programmers. */
function firstLine(message = ''): string {
  return message.split('\n', 1)[0].slice(0, 300)
}
