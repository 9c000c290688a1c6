import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** An S3 server of one topic-partition, made up as it is asked for. */
export interface ListingServer {
  readonly endpoint: string
  /** Pages that were asked for. */
  pages(): number
  /** Resolves when the first segment is asked for. */
  readonly firstGet: Promise<void>
  stop(): Promise<void>
}

export interface MadeUpPartition {
  readonly topic: string
  readonly segments: number
  /** Records of each, so that base offsets are that far apart. */
  readonly recordsPerSegment: number
}

const pageObjects = 1000
const writtenAt = '2026-01-01T00:00:00.000Z'

/** Answers ListObjectsV2 of `segments/{topic}/0/` with a `.kfs` and an `.index` for each segment; a GET never ends. */
export async function startListingServer(made: MadeUpPartition): Promise<ListingServer> {
  const prefix = `segments/${made.topic}/0/`
  const objects = 2 * made.segments
  const first = Promise.withResolvers<void>()
  let pages = 0

  /** Of each segment the index comes first: `.index` sorts before `.kfs`. */
  const keyOf = (index: number) =>
    `${prefix}segment-${String((index >> 1) * made.recordsPerSegment).padStart(20, '0')}.${index % 2 === 0 ? 'index' : 'kfs'}`

  function indexAfter(key: string): number {
    let [low, high] = [0, objects]
    while (low < high) {
      const middle = (low + high) >> 1
      if (keyOf(middle) <= key) low = middle + 1
      else high = middle
    }
    return low
  }

  function list(query: URLSearchParams): string {
    pages++
    const asked = query.get('prefix') ?? ''
    if (query.get('delimiter') !== null) return result(`<CommonPrefixes><Prefix>${prefix}</Prefix></CommonPrefixes>`, asked, null)
    const from = Number(query.get('continuation-token') ?? indexAfter(query.get('start-after') ?? ''))
    const to = Math.min(objects, from + pageObjects)
    let contents = ''
    for (let i = from; i < to; i++) {
      contents +=
        `<Contents><Key>${keyOf(i)}</Key><LastModified>${writtenAt}</LastModified><ETag>&quot;${(i + 0x1000000).toString(16).padStart(32, '0')}&quot;</ETag>` +
        `<Size>${i % 2 === 0 ? 28 : 4096}</Size><StorageClass>STANDARD</StorageClass></Contents>`
    }
    return result(contents, asked, to < objects ? String(to) : null)
  }

  function handle(request: IncomingMessage, response: ServerResponse): void {
    const { searchParams } = new URL(request.url ?? '/', 'http://s3')
    if (searchParams.get('list-type') === '2') response.setHeader('content-type', 'application/xml').end(list(searchParams))
    else first.resolve()
  }

  const server = createServer(handle)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    pages: () => pages,
    firstGet: first.promise,
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function result(contents: string, prefix: string, next: string | null): string {
  const more =
    next === null
      ? '<IsTruncated>false</IsTruncated>'
      : `<IsTruncated>true</IsTruncated><NextContinuationToken>${next}</NextContinuationToken>`
  return `<?xml version="1.0" encoding="UTF-8"?><ListBucketResult><Name>b</Name><Prefix>${prefix}</Prefix>${more}${contents}</ListBucketResult>`
}
