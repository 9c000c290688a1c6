import type { Readable } from 'node:stream'
import { WorkError } from '../../model/failure.ts'
import { ObjectChanged } from '../../seams/object-store.ts'
import type { WarehouseStore } from '../../seams/object-store.ts'
import { checkRange } from './byte-range.ts'
import { DeleteObjectCommand, GetObjectCommand, openS3Client } from './s3-client.ts'
import type { GetObjectCommandOutput, S3Options } from './s3-client.ts'
import { BodyCutShort } from './s3-errors.ts'
import { listS3, unquoted } from './s3-list.ts'
import { s3Sender } from './s3-requests.ts'
import type { S3Surroundings } from './s3-requests.ts'
import { putS3 } from './s3-upload.ts'

/** What one get holds in memory at most; larger objects are read in ranges. */
const largestGetBytes = 2 ** 31

/** Opens one bucket of S3 or of a service that speaks its protocol. One request a get, one a small put, one a page of a listing. */
export function openS3Store(options: S3Options, surroundings: S3Surroundings): WarehouseStore {
  const { bucket } = options
  const connection = openS3Client(options)
  const { client } = connection
  const send = s3Sender(options, surroundings)
  return {
    list: (query) => listS3(client, send, bucket, query, () => surroundings.clock.now()),
    async get(key, { ifMatch, range, signal } = {}) {
      if (range !== undefined) checkRange(key, range)
      const input = {
        Bucket: bucket,
        Key: key,
        IfMatch: ifMatch === undefined ? undefined : `"${ifMatch}"`,
        Range: range === undefined ? undefined : `bytes=${range.start}-${range.end - 1}`,
      }
      const limit = range === undefined ? largestGetBytes : Math.min(largestGetBytes, range.end - range.start)
      return send(
        { verb: 'get', key },
        async (abortSignal) => {
          const answer = await client.send(new GetObjectCommand(input), { abortSignal })
          // Services that ignore If-Match exist; the answer says what came.
          if (ifMatch !== undefined && unquoted(answer.ETag) !== ifMatch) {
            discard(answer)
            throw new ObjectChanged(`s3://${bucket}/${key} has ETag ${unquoted(answer.ETag)}, and ${ifMatch} was asked for`)
          }
          return readBody(answer, `s3://${bucket}/${key}`, limit)
        },
        signal,
      )
    },
    put: (key, chunks, { signal } = {}) => putS3({ client, send, bucket, key }, chunks, signal),
    async remove(key) {
      await send({ verb: 'delete', key }, (abortSignal) =>
        client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }), { abortSignal }),
      )
    },
    close: () => connection.close(),
  }
}

async function readBody(answer: GetObjectCommandOutput, where: string, limit: number): Promise<Uint8Array> {
  const length = answer.ContentLength
  if (length === undefined || length > limit) {
    discard(answer)
    throw new WorkError(
      `${where}: the answer has ${length ?? 'no Content-Length, so an unknown number of'} bytes, and at most ${limit} are read at once`,
      {
        retry: 'never',
      },
    )
  }
  // Not from the shared pool of small buffers: that would keep 8 KiB alive for a segment of 100 bytes.
  const bytes = new Uint8Array(Buffer.allocUnsafeSlow(length).buffer)
  let filled = 0
  for await (const chunk of answer.Body as AsyncIterable<Uint8Array>) {
    if (filled + chunk.length > length) throw new BodyCutShort(`more than the ${length} bytes that Content-Length says`)
    bytes.set(chunk, filled)
    filled += chunk.length
  }
  if (filled < length) throw new BodyCutShort(`${filled} bytes came, and Content-Length says ${length}`)
  return bytes
}

/** Drops a body that is not read, and its socket with it. */
function discard(answer: GetObjectCommandOutput): void {
  const body = answer.Body as Readable | undefined
  // Being destroyed is an error event to the stream, and one that nobody hears ends the process.
  body?.on('error', () => {}).destroy()
}
