import type { Readable } from 'node:stream'
import { admittedBytes, conditionsOf } from './s3-answer.ts'
import type { AskedOfS3 } from './s3-answer.ts'
import { GetObjectCommand } from './s3-client.ts'
import type { GetObjectCommandOutput, S3Client } from './s3-client.ts'
import { BodyCutShort } from './s3-errors.ts'

/** Gets an object the SDK's own way, whatever kind of bucket it lies in. Throws as `GetFromS3` does. */
export async function getByS3Sdk(client: S3Client, bucket: string, asked: AskedOfS3, abortSignal: AbortSignal): Promise<Uint8Array> {
  const { ifMatch, range } = conditionsOf(asked)
  const input = { Bucket: bucket, Key: asked.key, IfMatch: ifMatch, Range: range }
  const answer = await client.send(new GetObjectCommand(input), { abortSignal })
  const { ETag: etag, ContentLength: length, ContentRange: contentRange } = answer
  let admitted: number
  try {
    admitted = admittedBytes({ etag, length, contentRange }, asked, bucket)
  } catch (error) {
    discard(answer)
    throw error
  }
  return readBody(answer, admitted)
}

async function readBody(answer: GetObjectCommandOutput, length: number): Promise<Uint8Array> {
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
