import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { WorkError } from '../../model/failure.ts'
import type { ListPage, ListQuery, ObjectInfo } from '../../seams/object-store.ts'
import { compareKeys } from './key-order.ts'
import { unquoted } from './s3-answer.ts'
import { ListObjectsV2Command } from './s3-client.ts'
import type { ListObjectsV2CommandOutput, S3Client } from './s3-client.ts'
import { type ScannedPage, scanPage } from './s3-list-xml.ts'
import type { SendToS3 } from './s3-requests.ts'

/**
 * Pages of ListObjectsV2. An empty page is given where it is the first, and left out where it comes last (MinIO). Throws a
 * WorkError where a page does not continue the order of keys: what lists unordered (S3's directory buckets) can not be read
 * from `startAfter` on.
 */
export async function* listS3(
  client: S3Client,
  send: SendToS3,
  bucket: string,
  query: ListQuery,
  nowMs: () => number,
): AsyncGenerator<ListPage> {
  const { prefix, startAfter, delimiter } = query
  const question = { verb: 'list', key: prefix } as const
  let continuation: string | undefined
  let last: string | undefined
  for (let first = true; first || continuation !== undefined; first = false) {
    const [answer, dateMs] = await send(question, async (abortSignal) => {
      const command = new ListObjectsV2Command({
        Bucket: bucket,
        Prefix: prefix,
        Delimiter: delimiter,
        StartAfter: continuation === undefined ? startAfter : undefined,
        ContinuationToken: continuation,
        // Keys may hold what XML 1.0 can not, such as U+0001.
        EncodingType: 'url',
      })
      const seen = readPlainly(command)
      const output = await client.send(command, { abortSignal })
      return [seen.page ?? scannedFrom(output), seen.dateMs ?? nowMs()] as const
    })
    const page = { ...entriesOf(answer, startAfter), dateMs }
    checkOrder(bucket, page.objects, last)
    for (const key of [page.objects.at(-1)?.key, ...page.prefixes]) {
      if (key !== undefined && (last === undefined || compareKeys(last, key) < 0)) last = key
    }
    if (first || page.objects.length > 0 || page.prefixes.length > 0) yield page
    continuation = answer.isTruncated ? answer.continuation : undefined
    if (answer.isTruncated && continuation === undefined) {
      throw new WorkError(`s3://${bucket}/${prefix}: the listing says that it goes on, and gives no continuation token`, { retry: 'never' })
    }
  }
}

function entriesOf(answer: ScannedPage, startAfter?: string): Omit<ListPage, 'dateMs'> {
  const decode = answer.encodingType === 'url' ? decodeKey : (key: string) => key
  const isAfter = (key: string): boolean => startAfter === undefined || compareKeys(key, startAfter) > 0
  const objects: ObjectInfo[] = []
  for (const { key: sent, size, etag, lastModifiedMs, storageClass } of answer.objects) {
    const key = decode(sent)
    if (!isAfter(key)) continue
    const isOther = storageClass !== undefined && storageClass !== 'STANDARD'
    objects.push({ key, size, etag: unquoted(etag), lastModifiedMs, ...(isOther && { storageClass }) })
  }
  return { objects, prefixes: answer.prefixes.map(decode).filter(isAfter) }
}

/** What the SDK made of an answer. */
function scannedFrom(output: ListObjectsV2CommandOutput): ScannedPage {
  return {
    objects: (output.Contents ?? []).map(({ Key, Size, ETag, LastModified, StorageClass }) => ({
      key: Key ?? '',
      size: Size ?? 0,
      etag: ETag ?? '',
      lastModifiedMs: LastModified?.getTime() ?? 0,
      storageClass: StorageClass,
    })),
    prefixes: (output.CommonPrefixes ?? []).map(({ Prefix }) => Prefix ?? ''),
    encodingType: output.EncodingType,
    isTruncated: output.IsTruncated === true,
    continuation: output.NextContinuationToken,
  }
}

/** Undoes `encoding-type=url`: percent escapes of UTF-8, and a plus for a space (a plus itself is %2B). */
export function decodeKey(encoded: string): string {
  return /[%+]/.test(encoded) ? decodeURIComponent(encoded.replaceAll('+', ' ')) : encoded
}

function checkOrder(bucket: string, objects: readonly ObjectInfo[], before: string | undefined): void {
  let last = before
  for (const { key } of objects) {
    if (last !== undefined && compareKeys(last, key) >= 0) {
      throw new WorkError(`s3://${bucket}: the listing is not in the order of the keys' UTF-8 bytes: ${last} came before ${key}`, {
        retry: 'never',
      })
    }
    last = key
  }
}

/**
 * What the answer to `command` says besides what the SDK gives: its Date header, ms, where it has one, and the page, where its XML is as
 * plain as it always was. The SDK, which takes much longer to read it, then sees an empty one.
 */
function readPlainly(command: ListObjectsV2Command): { readonly dateMs?: number; readonly page?: ScannedPage } {
  const seen: { dateMs?: number; page?: ScannedPage } = {}
  command.middlewareStack.add(
    (next) => async (input) => {
      const result = await next(input)
      const response = result.response as { statusCode?: number; headers?: Record<string, string>; body?: unknown }
      seen.dateMs = Date.parse(response.headers?.date ?? '') || undefined
      if (response.statusCode !== 200 || !(response.body instanceof Readable)) return result
      const text = (await buffer(response.body)).toString()
      seen.page = scanPage(text) ?? undefined
      response.body = Readable.from([Buffer.from(seen.page === undefined ? text : '<ListBucketResult/>')])
      return result
    },
    { step: 'deserialize', priority: 'low' },
  )
  return seen
}
