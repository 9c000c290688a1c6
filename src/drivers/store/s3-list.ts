import { WorkError } from '../../model/failure.ts'
import type { ListPage, ListQuery, ObjectInfo } from '../../seams/object-store.ts'
import { compareKeys } from './key-order.ts'
import { unquoted } from './s3-answer.ts'
import { ListObjectsV2Command } from './s3-client.ts'
import type { ListObjectsV2CommandOutput, S3Client } from './s3-client.ts'
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
      const date = serverDate(command)
      return [await client.send(command, { abortSignal }), date() ?? nowMs()] as const
    })
    const page = { ...entriesOf(answer, startAfter), dateMs }
    const keys = [...page.objects.map(({ key }) => key), ...page.prefixes].sort(compareKeys)
    checkOrder(
      bucket,
      page.objects.map(({ key }) => key),
      last,
    )
    last = keys.at(-1) ?? last
    if (first || keys.length > 0) yield page
    continuation = answer.IsTruncated ? answer.NextContinuationToken : undefined
    if (answer.IsTruncated && continuation === undefined) {
      throw new WorkError(`s3://${bucket}/${prefix}: the listing says that it goes on, and gives no continuation token`, { retry: 'never' })
    }
  }
}

function entriesOf(answer: ListObjectsV2CommandOutput, startAfter?: string): Omit<ListPage, 'dateMs'> {
  const decode = answer.EncodingType === 'url' ? decodeKey : (key: string) => key
  const isAfter = (key: string): boolean => startAfter === undefined || compareKeys(key, startAfter) > 0
  const objects: ObjectInfo[] = []
  for (const { Key, Size, ETag, LastModified, StorageClass } of answer.Contents ?? []) {
    const key = decode(Key ?? '')
    if (!isAfter(key)) continue
    objects.push({
      key,
      size: Size ?? 0,
      etag: unquoted(ETag),
      lastModifiedMs: LastModified?.getTime() ?? 0,
      ...(StorageClass !== undefined && StorageClass !== 'STANDARD' && { storageClass: StorageClass }),
    })
  }
  return { objects, prefixes: (answer.CommonPrefixes ?? []).map(({ Prefix }) => decode(Prefix ?? '')).filter(isAfter) }
}

/** Undoes `encoding-type=url`: percent escapes of UTF-8, and a plus for a space (a plus itself is %2B). */
export function decodeKey(encoded: string): string {
  return decodeURIComponent(encoded.replaceAll('+', ' '))
}

function checkOrder(bucket: string, keys: readonly string[], before: string | undefined): void {
  let last = before
  for (const key of keys) {
    if (last !== undefined && compareKeys(last, key) >= 0) {
      throw new WorkError(`s3://${bucket}: the listing is not in the order of the keys' UTF-8 bytes: ${last} came before ${key}`, {
        retry: 'never',
      })
    }
    last = key
  }
}

/** The Date header of the answer to `command`, ms; the deserialized output does not have it. Undefined where it is absent or no date. */
function serverDate(command: ListObjectsV2Command): () => number | undefined {
  let date: string | undefined
  command.middlewareStack.add(
    (next) => async (input) => {
      const result = await next(input)
      date = (result.response as { headers?: Record<string, string> }).headers?.date
      return result
    },
    { step: 'deserialize', priority: 'high' },
  )
  return () => (date === undefined ? undefined : Date.parse(date) || undefined)
}
