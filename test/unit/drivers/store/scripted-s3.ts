import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import type { Clock } from '../../../../src/seams/clock.ts'

/** A request as the server saw it. */
export interface SeenRequest {
  readonly method: string
  /** Path and query. */
  readonly url: string
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: Buffer
}

export interface ScriptedAnswer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
  /** Breaks the connection after so many bytes of the body. */
  readonly cutAfter?: number
  /** Never answers. */
  readonly silent?: boolean
}

export interface ScriptedS3 {
  readonly endpoint: string
  readonly requests: readonly SeenRequest[]
  /** Connections that were ever opened, and those that are open. */
  readonly sockets: { total: number; open: number; most: number }
  close(): Promise<void>
}

/** An HTTP server on loopback that answers as `script` says; `number` counts requests from 1. */
export async function scriptedS3(script: (request: SeenRequest, number: number) => ScriptedAnswer): Promise<ScriptedS3> {
  const requests: SeenRequest[] = []
  const sockets = { total: 0, open: 0, most: 0 }
  const server = createServer((incoming, response) => {
    seen(incoming).then(
      (request) => {
        requests.push(request)
        answer(response, script(request, requests.length))
      },
      // A client that goes away while it sends its body is not answered.
      () => {},
    )
  })
  server.on('connection', (socket) => {
    sockets.total++
    sockets.most = Math.max(sockets.most, ++sockets.open)
    socket.on('close', () => sockets.open--)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address() as { port: number }
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    requests,
    sockets,
    async close() {
      if (!server.listening) return
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function seen(incoming: IncomingMessage): Promise<SeenRequest> {
  const { method = '', url = '', headers } = incoming
  return { method, url, headers: headers as Record<string, string>, body: await buffer(incoming) }
}

function answer(response: ServerResponse, { status = 200, headers = {}, body = '', cutAfter, silent }: ScriptedAnswer): void {
  if (silent) return
  const bytes = Buffer.from(body)
  response.writeHead(status, { 'content-length': String(bytes.length), ...headers })
  if (cutAfter === undefined) response.end(bytes)
  else response.write(bytes.subarray(0, cutAfter), () => response.destroy())
}

/** S3's form of an error. */
export function s3Error(status: number, code: string, more = ''): ScriptedAnswer {
  const body = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>Said the server.</Message>${more}</Error>`
  return { status, headers: { 'content-type': 'application/xml' }, body }
}

/** A page of ListObjectsV2; keys are given as they stand in the answer. */
export function s3Page(keys: readonly string[], more = ''): ScriptedAnswer {
  const contents = keys.map(
    (key) =>
      `<Contents><Key>${key}</Key><LastModified>2026-07-01T00:00:00.000Z</LastModified><ETag>&quot;e-${key}&quot;</ETag><Size>3</Size></Contents>`,
  )
  return {
    headers: { 'content-type': 'application/xml', date: 'Wed, 01 Jul 2026 10:20:30 GMT' },
    body: `<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><EncodingType>url</EncodingType>${contents.join('')}${more}</ListBucketResult>`,
  }
}

/** A clock that notes how long it was to sleep, and lets that time pass at once. */
export function pausesOf(): Clock & { readonly pauses: readonly number[] } {
  const pauses: number[] = []
  let nowMs = 0
  return {
    pauses,
    now: () => nowMs,
    async sleep(ms) {
      pauses.push(ms)
      nowMs += ms
    },
  }
}
