import { afterEach, expect, test } from 'vitest'
import { WorkError } from '../../../src/model/failure.ts'
import { type Listening, listen } from '../../../src/serve/server.ts'

const open: Listening[] = []

async function serve(address = '127.0.0.1:0'): Promise<string> {
  const listening = await listen(address, {
    '/a': () => ({ status: 200, contentType: 'text/plain', body: 'ä' }),
    '/broken': () => {
      throw new Error('no')
    },
  })
  open.push(listening)
  return `http://127.0.0.1:${listening.port}`
}

afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})

test('GET and HEAD are answered, with a query too, and nothing is cached', async () => {
  const url = await serve()
  const answer = await fetch(`${url}/a?x=1`)
  expect([answer.status, await answer.text(), answer.headers.get('content-length'), answer.headers.get('cache-control')]).toEqual([
    200,
    'ä',
    '2',
    'no-store',
  ])
  const head = await fetch(`${url}/a`, { method: 'HEAD' })
  expect([head.status, await head.text()]).toEqual([200, ''])
})

test('other paths are 404 and name those there are, other methods 405, and what fails is 500', async () => {
  const url = await serve(':0')
  const missing = await fetch(`${url}/toString`)
  expect([missing.status, await missing.text()]).toEqual([404, 'nothing is here; there are /a, /broken\n'])
  expect((await fetch(`${url}/a`, { method: 'POST' })).status).toBe(405)
  expect((await fetch(`${url}/broken`)).status).toBe(500)
})

test('a port that is taken is an error that says what to do', async () => {
  const port = new URL(await serve()).port
  const failed = await listen(`127.0.0.1:${port}`, {}).catch((error: unknown) => error)
  expect(failed).toBeInstanceOf(WorkError)
  expect((failed as Error).message).toBe(
    `metrics can not be served at 127.0.0.1:${port}: another process listens there; change spec.metrics.address, or give --metrics-address`,
  )
})
