import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { audit } from './kill/audit.ts'
import { killLeftovers, type Running, startProgram } from './kill/processes.ts'
import { intoBucket, SegmentWriter } from './kill/segments.ts'
import { makeWorld, restSink, s3Settings, type World } from './kill/world.ts'
import { type FaultProxy, faultProxy } from './proxy.ts'
import { installDirectory, s3Client } from './servers.ts'

const topic = 'orders'
let root = ''
let proxy: FaultProxy | undefined

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'rotation-'))
})
afterAll(async () => {
  killLeftovers()
  await proxy?.close()
  await rm(root, { recursive: true, force: true })
})

/** Secrets in files, as a volume of Kubernetes has them. */
function secretFile(name: string): { readonly secret: { readonly file: string }; set(value: string): Promise<void> } {
  const file = join(root, name)
  return { secret: { file }, set: (value) => writeFile(file, value) }
}

function writerInto(prefix: string): SegmentWriter {
  return new SegmentWriter(intoBucket(s3Client(inject('s3')), inject('bucket'), prefix))
}

/** Appends a segment, which is committed by the process, alone or with what was left before, however long the machine takes for it. */
async function appendAndCommit(running: Running, writer: SegmentWriter, rows: number, left = 0): Promise<void> {
  await writer.append(topic, 0, rows)
  await running.logged(new RegExp(`"rows":"(${rows}|${rows + left})".*"msg":"committed"`))
}

/** The process goes on as before after `rotate`; nothing is missing and nothing is there twice. */
async function expectGoesOn(
  world: World,
  direct: World,
  writer: SegmentWriter,
  rotate: (running: Running) => Promise<void>,
): Promise<string> {
  const running = startProgram(world.file)
  await appendAndCommit(running, writer, 3)
  await rotate(running)
  await appendAndCommit(running, writer, 5, 2)
  running.kill('SIGTERM')
  const { code, log } = await running.ended
  expect(code, log).toBe(0)
  expect(await audit(direct, writer.expected)).toMatchObject({ problems: [], missing: 0 })
  return log
}

test('S3 keys are rotated while the service reads segments and writes files with them', async () => {
  const [s3, bucket] = [inject('s3'), inject('bucket')]
  const admin = (...args: string[]) =>
    promisify(execFile)(join(installDirectory(), 'bin/versitygw'), [
      'admin',
      `--access=${s3.accessKeyId}`,
      `--secret=${s3.secretAccessKey}`,
      `--endpoint-url=${s3.endpoint}`,
      ...args,
    ])
  const user = async () => {
    const [access, secret] = [`user-${randomUUID().slice(0, 8)}`, randomUUID()]
    await admin('create-user', '--access', access, '--secret', secret, '--role', 'admin')
    return { access, secret }
  }
  const [accessKeyId, secretAccessKey] = [secretFile('access-key'), secretFile('secret-key')]
  const old = await user()
  await accessKeyId.set(old.access)
  await secretAccessKey.set(old.secret)
  const access = { ...s3Settings(s3), accessKeyId: accessKeyId.secret, secretAccessKey: secretAccessKey.secret }
  const sink = { ...restSink(inject('restCatalogUri'), s3, 'rotatekeys'), storage: access }
  const parts = { topics: [topic], source: { s3: { bucket, prefix: 'rotate-keys/', ...access } }, sink, commitIntervalSeconds: 0.3 }
  const world = await makeWorld(join(root, 'keys-world'), parts)
  const direct = await makeWorld(join(root, 'keys-direct'), {
    ...parts,
    source: { s3: { bucket, prefix: 'rotate-keys/', ...s3Settings(s3) } },
    sink: restSink(inject('restCatalogUri'), s3, 'rotatekeys'),
  })
  const log = await expectGoesOn(world, direct, writerInto('rotate-keys/'), async () => {
    const fresh = await user()
    // The worst order: the old key is gone before the new one is there, and the two files change one after the other.
    await admin('delete-user', '--access', old.access)
    await sleep(5000)
    await accessKeyId.set(fresh.access)
    await sleep(500)
    await secretAccessKey.set(fresh.secret)
  })
  expect(log).toContain('the credentials are refused')
  expect(log).not.toContain(old.secret)
})

test("the catalog's token and headers are rotated while the service commits with them", async () => {
  const [s3, bucket] = [inject('s3'), inject('bucket')]
  let expected = { authorization: 'Bearer token-before', 'x-realm-key': 'realm-before' }
  let refused = 0
  proxy = await faultProxy(inject('restCatalogUri'), async ({ headers }, forward) => {
    if (headers.authorization === expected.authorization && headers['x-realm-key'] === expected['x-realm-key']) return forward()
    refused++
    return { status: 401, body: JSON.stringify({ error: { message: 'unknown token', type: 'NotAuthorizedException', code: 401 } }) }
  })
  const [token, header] = [secretFile('token'), secretFile('header')]
  await token.set('token-before\n')
  await header.set('realm-before')
  const plain = restSink(inject('restCatalogUri'), s3, 'rotatetoken')
  const catalog = { type: 'rest', endpoint: proxy.url, token: token.secret, headers: { 'X-Realm-Key': header.secret } }
  const source = { s3: { bucket, prefix: 'rotate-token/', ...s3Settings(s3) } }
  const world = await makeWorld(join(root, 'token-world'), {
    topics: [topic],
    source,
    sink: { ...plain, catalog },
    commitIntervalSeconds: 0.3,
  })
  const direct = await makeWorld(join(root, 'token-direct'), { topics: [topic], source, sink: plain })
  const writer = writerInto('rotate-token/')
  await expectGoesOn(world, direct, writer, async () => {
    expect(refused).toBe(0)
    expected = { authorization: 'Bearer token-after', 'x-realm-key': 'realm-after' }
    await writer.append(topic, 0, 2)
    while (refused === 0) await sleep(20)
    await token.set('token-after')
    await header.set('realm-after')
  })
})

test('a document that is changed to something which its bucket refuses ends no process, and goes on once it is changed back', async () => {
  const [s3, bucket, prefix] = [inject('s3'), inject('bucket'), 'changed/']
  const source = { s3: { bucket, prefix, ...s3Settings(s3) } }
  const sink = restSink(inject('restCatalogUri'), s3, 'changed')
  const world = await makeWorld(join(root, 'changed'), { topics: [topic], source, sink, commitIntervalSeconds: 1 })
  const text = await readFile(world.file, 'utf8')
  await expectGoesOn(world, world, writerInto(prefix), async (running) => {
    await writeFile(world.file, text.replace(s3.region, 'eu-west-1'))
    await running.logged(/the region option says eu-west-1[^\n]*topics can not be listed, tried again/)
    await writeFile(world.file, text)
    await running.logged(/tried again[^]*counts from now on/)
  })
})
