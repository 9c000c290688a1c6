import { WorkError } from '../../model/failure.ts'
import { ObjectChanged } from '../../seams/object-store.ts'

/** One object, or a part of it, as the seam's `get` is asked for it. */
export interface AskedOfS3 {
  readonly key: string
  /** An ETag without its quotes. */
  readonly ifMatch?: string
  /** Bytes; the end is exclusive. */
  readonly range?: { readonly start: number; readonly end: number }
}

/** What the headers of an answer say of its body. */
export interface S3Answer {
  readonly etag: string | undefined
  /** Content-Length. */
  readonly length: number | undefined
  readonly contentRange: string | undefined
}

/** What one get holds in memory at most; larger objects are read in ranges. */
const largestGetBytes = 2 ** 31

/** The values of the headers If-Match and Range. */
export function conditionsOf({ ifMatch, range }: AskedOfS3): { ifMatch: string | undefined; range: string | undefined } {
  return {
    ifMatch: ifMatch === undefined ? undefined : `"${ifMatch}"`,
    range: range === undefined ? undefined : `bytes=${range.start}-${range.end - 1}`,
  }
}

/**
 * How many bytes the body has, of an answer that is a success. Services that ignore a condition exist: the answer says what
 * came. Throws ObjectChanged where it has another ETag, and a WorkError where it is too long, of unknown length or of another range.
 */
export function admittedBytes({ etag, length, contentRange }: S3Answer, { key, ifMatch, range }: AskedOfS3, bucket: string): number {
  const where = `s3://${bucket}/${key}`
  if (ifMatch !== undefined && unquoted(etag) !== ifMatch) {
    throw new ObjectChanged(`${where} has ETag ${unquoted(etag)}, and ${ifMatch} was asked for`)
  }
  const limit = range === undefined ? largestGetBytes : Math.min(largestGetBytes, range.end - range.start)
  if (length === undefined || !(length <= limit)) {
    throw new WorkError(
      `${where}: the answer has ${length ?? 'no Content-Length, so an unknown number of'} bytes, and at most ${limit} are read at once`,
      { retry: 'never' },
    )
  }
  const start = Number(/^bytes (\d+)-/.exec(contentRange ?? '')?.[1] ?? 0)
  if (start !== (range?.start ?? 0)) {
    throw new WorkError(`${where}: the answer has bytes from ${start} on, and bytes from ${range?.start ?? 0} on were asked for`, {
      retry: 'never',
    })
  }
  return length
}

/** An ETag without its quotes. */
export function unquoted(etag = ''): string {
  return etag.replace(/^"(.*)"$/, '$1')
}
