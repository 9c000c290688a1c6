import { createServer } from 'node:http'
import type { ServerResponse } from 'node:http'
import { afterEach, expect, test } from 'vitest'
import { openBytePool } from '../../../../src/drivers/http/byte-pool.ts'
import type { ByteRequest } from '../../../../src/drivers/http/byte-pool.ts'

const opened: { close(): unknown }[] = []
afterEach(async () => {
  for (const one of opened.splice(0).toReversed()) await one.close()
})

/** A pool, and a server that answers as told. */
async function poolOn(answer: (response: ServerResponse, url: string) => void, connections = 1) {
  const seen: string[] = []
  let open = 0
  const server = createServer((request, response) => {
    seen.push(request.url!)
    answer(response, request.url!)
  })
  server.on('connection', (socket) => {
    open++
    socket.on('close', () => open--)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const pool = openBytePool({ connections, connectTimeoutMs: 5000, silenceTimeoutMs: 300, idleSocketMs: 1000 })
  opened.push({ close: () => server.close(() => {}) }, { close: () => server.closeAllConnections() }, pool)
  const origin = `http://127.0.0.1:${(server.address() as { port: number }).port}`
  const get = (path: string, more: Partial<ByteRequest> = {}, signal?: AbortSignal) =>
    pool.get({ origin, path, headers: [], admit: () => 1000, ...more }, signal)
  return { pool, get, seen, open: () => open }
}

test('an answer has its status, its headers by lower-case name and its bytes, alone in their memory', async () => {
  const { get } = await poolOn((response) => response.writeHead(418, { 'Content-Length': 3, 'X-Y': 'z' }).end('abc'))
  const { status, headers, body } = await get('/a')
  expect([status, headers['x-y'], String(Buffer.from(body))]).toEqual([418, 'z', 'abc'])
  expect(body.buffer.byteLength).toBe(3)
})

test('path and headers go out as they are', async () => {
  let header: unknown
  const { get, seen } = await poolOn((response) => {
    header = response.req.headers['x-a']
    response.end()
  })
  await get('/a/../b//c%2B?x=%20', { headers: ['x-a', 'B', 'host', 'h'] })
  expect([seen, header]).toEqual([['/a/../b//c%2B?x=%20'], 'B'])
})

test('a body of unknown length is read whole', async () => {
  const { get } = await poolOn((response) => {
    response.write('a'.repeat(400))
    setTimeout(() => response.end('b'.repeat(300)), 10)
  })
  expect(String(Buffer.from((await get('/a')).body))).toBe('a'.repeat(400) + 'b'.repeat(300))
})

test('a body longer than admitted is an error, whether its length was told or not', async () => {
  const { get, open } = await poolOn((response, url) => (url === '/told' ? response.end('a'.repeat(1001)) : chunked(response)))
  const chunked = (response: ServerResponse): void => {
    response.write('a'.repeat(600))
    response.write('a'.repeat(600))
  }
  for (const path of ['/told', '/untold']) {
    await expect(get(path)).rejects.toMatchObject({ code: 'UND_ERR_RES_EXCEEDED_MAX_SIZE' })
    await expect.poll(open).toBe(0)
  }
})

test('a body that is cut short is an error', async () => {
  const { get } = await poolOn((response) => {
    response.writeHead(200, { 'content-length': 10 })
    response.write('abc', () => response.destroy())
  })
  await expect(get('/a')).rejects.toMatchObject({ code: expect.stringMatching(/^UND_ERR_SOCKET$|CONTENT_LENGTH_MISMATCH/) as string })
})

test('a server that falls silent in the middle of a body is an error', async () => {
  const { get } = await poolOn((response) => {
    response.writeHead(200, { 'content-length': 10 })
    response.write('abc')
  })
  await expect(get('/a')).rejects.toMatchObject({ code: 'UND_ERR_BODY_TIMEOUT' })
})

test('what admit throws comes out, the connection ends, and the next request is answered', async () => {
  const { get, open } = await poolOn((response) => response.end('abc'))
  const refused = new Error('another ETag')
  const admit = (): number => {
    throw refused
  }
  await expect(get('/a', { admit })).rejects.toBe(refused)
  await expect.poll(open).toBe(0)
  expect((await get('/b')).body.length).toBe(3)
})

test('a signal ends a request before its answer and in the middle of it, with its reason and its connection', async () => {
  const { get, open } = await poolOn((response, url) => {
    if (url !== '/begun') return
    response.writeHead(200, { 'content-length': 10 })
    response.write('abc')
  })
  for (const path of ['/silent', '/begun']) {
    const controller = new AbortController()
    const reason = new Error('enough')
    const got = get(path, {}, controller.signal)
    setTimeout(() => controller.abort(reason), 30)
    await expect(got).rejects.toBe(reason)
    await expect.poll(open).toBe(0)
  }
  await expect(get('/never', {}, AbortSignal.abort(new Error('before')))).rejects.toThrow('before')
})

test('a request whose signal aborts while it waits for a connection fails at once and is never sent', async () => {
  let release = (): void => {}
  const { get, seen } = await poolOn((response, url) => {
    if (url === '/first') release = () => response.end('1')
    else response.end('2')
  })
  const first = get('/first')
  await expect.poll(() => seen).toEqual(['/first'])
  const controller = new AbortController()
  const second = get('/second', {}, controller.signal)
  controller.abort(new Error('gone'))
  await expect(second).rejects.toThrow('gone')
  release()
  await first
  await get('/third')
  expect(seen).toEqual(['/first', '/third'])
})

test('there are as many connections as allowed, and a closed pool refuses', async () => {
  const { pool, get, open } = await poolOn((response) => setTimeout(() => response.end(), 5), 3)
  await Promise.all(Array.from({ length: 20 }, () => get('/a')))
  expect(open()).toBe(3)
  await pool.close()
  await expect.poll(open).toBe(0)
  await expect(get('/b')).rejects.toMatchObject({ code: 'UND_ERR_DESTROYED' })
})
