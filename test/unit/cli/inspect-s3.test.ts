import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { s3Error, s3Page, scriptedS3, type ScriptedAnswer, type ScriptedS3, type SeenRequest } from '../drivers/store/scripted-s3.ts'
import { golden, program } from './program.ts'

const env = { AWS_ACCESS_KEY_ID: 'AKIDKNOWN', AWS_SECRET_ACCESS_KEY: 'hush-secret' }
const key = 'prod/g-txn/0/segment-00000000000000000002.kfs'

let server: ScriptedS3 | undefined
afterEach(() => server?.close())

async function inspect(script: (request: SeenRequest) => ScriptedAnswer, ...args: string[]) {
  server = await scriptedS3(script)
  return program(['inspect', ...args, '--endpoint', server.endpoint, '--path-style'], { env })
}

test('an object of a bucket is read with the credentials of the environment', async () => {
  const { code, stdout, stderr } = await inspect((request) => {
    return { body: readFileSync(join(golden, '..', new URL(request.url, 'http://s3').pathname.replace('/data/', ''))) }
  }, `s3://data/${key}`)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toContain(`s3://data/${key}  segment, 126 bytes`)
  expect(server?.requests.map(({ url }) => url.split('?')[0])).toEqual([`/data/${key}`, `/data/${key.replace('kfs', 'index')}`])
  expect(server?.requests[0].headers.authorization).toContain('AKIDKNOWN')
})

test('a prefix of a bucket is listed', async () => {
  const { code, stdout } = await inspect(() => s3Page([key.replace('kfs', 'index'), key]), 's3://data/prod')
  expect(code).toBe(0)
  expect(stdout).toContain('s3://data/prod  1 topic-partition · 1 complete segment')
  expect(server?.requests[0].url).toContain('prefix=prod%2F')
})

test('what the service refuses ends with exit code 1, without the secret', async () => {
  const [plain, json] = [await inspect(() => s3Error(403, 'AccessDenied'), 's3://data/prod'), server?.close()]
  await json
  expect(plain).toEqual({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(/^error: cannot list s3:\/\/data\/prod\/: permission s3:ListBucket/) as string,
  })
  const asJson = await inspect(() => s3Error(403, 'AccessDenied'), 's3://data/prod', '--json')
  expect(asJson).toMatchObject({ code: 1, stderr: '' })
  expect(JSON.parse(asJson.stdout)).toEqual({ ok: false, error: expect.stringContaining('permission s3:ListBucket') as string })
  expect(JSON.stringify([plain, asJson])).not.toContain('hush')
})

test('an object that is not there ends with exit code 1', async () => {
  const { code, stderr } = await inspect(() => s3Error(404, 'NoSuchKey'), `s3://data/${key}`)
  expect({ code, stderr }).toEqual({ code: 1, stderr: `error: s3://data/${key} does not exist\n` })
})
