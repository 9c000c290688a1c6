import { discard } from '../../formats/bytes/release.ts'
import type { ObjectStore } from '../../seams/object-store.ts'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
} from './s3-client.ts'
import type { CompletedPart, S3Client } from './s3-client.ts'
import type { SendToS3 } from './s3-requests.ts'

/** A body up to this size is one PutObject; a larger one goes up in parts of this size, 10,000 at most (S3's limit): 78 GiB. */
export const partBytes = 8 * 1024 * 1024
/** Memory of one put: the parts in flight and the two that are being cut. */
const partsInFlight = 2

/** Where a body goes. */
interface Target {
  readonly client: S3Client
  readonly send: SendToS3
  readonly bucket: string
  readonly key: string
}

/** Writes an object and returns its size. Where producing or sending fails, what was uploaded is abandoned and no object appears. */
export async function putS3(target: Target, chunks: Parameters<ObjectStore['put']>[1], signal?: AbortSignal): Promise<number> {
  const parts = cutParts(chunks)
  try {
    const first = (await parts.next()).value ?? new Uint8Array()
    const second = await parts.next()
    if (!second.done) return await putParts(target, [first, second.value], parts, signal)
    const size = first.length
    await putWhole(target, first, signal)
    return size
  } finally {
    await parts.return(undefined)
  }
}

async function putWhole({ client, send, bucket, key }: Target, body: Uint8Array, signal?: AbortSignal): Promise<void> {
  await send(
    { verb: 'put', key },
    (abortSignal) =>
      client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body, ContentLength: body.length }), { abortSignal }),
    signal,
  )
  discard(body)
}

async function putParts(
  target: Target,
  begun: readonly Uint8Array[],
  rest: AsyncIterable<Uint8Array>,
  signal?: AbortSignal,
): Promise<number> {
  const { client, send, bucket, key } = target
  const question = { verb: 'put', key } as const
  const created = await send(
    question,
    (abortSignal) => client.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key: key }), { abortSignal }),
    signal,
  )
  const upload = { Bucket: bucket, Key: key, UploadId: created.UploadId }
  const stop = new AbortController()
  const abort = (): void => stop.abort(signal?.reason)
  signal?.addEventListener('abort', abort)
  const completed: CompletedPart[] = []
  const inFlight = new Set<Promise<void>>()
  let size = 0

  async function sendPart(body: Uint8Array, number: number): Promise<void> {
    const command = (): UploadPartCommand =>
      new UploadPartCommand({ ...upload, PartNumber: number, Body: body, ContentLength: body.length })
    const answer = await send(question, (abortSignal) => client.send(command(), { abortSignal }), stop.signal)
    completed[number - 1] = { PartNumber: number, ETag: answer.ETag }
    discard(body)
  }

  async function launch(body: Uint8Array): Promise<void> {
    if (inFlight.size === partsInFlight) await Promise.race(inFlight)
    size += body.length
    // A part that failed stays in the set: the next one to wait there meets the failure.
    const sending: Promise<void> = sendPart(body, completed.push({})).then(() => void inFlight.delete(sending))
    sending.catch(() => {})
    inFlight.add(sending)
  }

  try {
    for (const body of begun) await launch(body)
    for await (const body of rest) await launch(body)
    await Promise.all(inFlight)
    await complete(target, upload, completed, size, signal)
    return size
  } catch (error) {
    stop.abort()
    await Promise.allSettled(inFlight)
    // A part that is not abandoned is paid for until a lifecycle rule removes it; the first error is the one to tell.
    await send(question, (abortSignal) => client.send(new AbortMultipartUploadCommand(upload), { abortSignal })).catch(() => {})
    throw error
  } finally {
    signal?.removeEventListener('abort', abort)
  }
}

/** Joins the parts. Where the answer to an earlier attempt was lost, the upload may be complete and unknown by now: then the object tells. */
async function complete(
  { client, send, bucket, key }: Target,
  upload: { readonly Bucket: string; readonly Key: string; readonly UploadId: string | undefined },
  parts: readonly CompletedPart[],
  size: number,
  signal?: AbortSignal,
): Promise<void> {
  await send(
    { verb: 'put', key },
    async (abortSignal, attempt) => {
      try {
        await client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts: [...parts] } }), { abortSignal })
      } catch (error) {
        if (attempt === 1 || (error as Error).name !== 'NoSuchUpload') throw error
        const found = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }), { abortSignal })
        if (found.ContentLength !== size) throw error
      }
    },
    signal,
  )
}

/**
 * Cuts chunks into parts of exactly `size`, the last one of what is left (nothing at all where there are no bytes). Each part is a copy in a buffer of its
 * own; a chunk is copied before the next one is taken.
 */
export async function* cutParts(chunks: Parameters<ObjectStore['put']>[1], size = partBytes): AsyncGenerator<Uint8Array, undefined> {
  let part: Uint8Array = new Uint8Array()
  let filled = 0
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length;) {
      const end = Math.min(size, filled + chunk.length - at)
      part = grown(part, filled, end, size)
      part.set(chunk.subarray(at, at + end - filled), filled)
      at += end - filled
      filled = end
      if (filled < size) continue
      yield part
      part = new Uint8Array()
      filled = 0
    }
  }
  if (filled > 0) yield part.subarray(0, filled)
}

/** Room for `end` bytes of at most `size`, with the first `filled` of `part`. */
function grown(part: Uint8Array, filled: number, end: number, size: number): Uint8Array {
  if (end <= part.length) return part
  const larger = Buffer.allocUnsafeSlow(Math.min(size, Math.max(end, 2 * part.length)))
  larger.set(part.subarray(0, filled))
  discard(part)
  return larger
}
