import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { parseJson } from '../../../src/formats/json/exact.ts'
import { bin, golden, program } from './program.ts'

const scratch = mkdtempSync(join(tmpdir(), 'run-'))
afterAll(() => rmSync(scratch, { recursive: true }))

/** A directory with a document and its segments, and no table yet. */
function workspace(): string {
  const directory = mkdtempSync(join(scratch, 'in-'))
  cpSync(join(golden, 'g-txn'), join(directory, 'segments/g-txn'), { recursive: true })
  writeFileSync(
    join(directory, 'spec.yaml'),
    `apiVersion: kafscale.io/v1
kind: IcebergProcessor
metadata: {name: local}
spec: {source: {topics: [g-txn], directory: segments, graceSeconds: 0}}
`,
  )
  return directory
}

test('run --once ends with 0 when all is in the tables, and status says so', async () => {
  const cwd = workspace()
  const ran = await program(['run', '-f', 'spec.yaml', '--once'], { cwd })
  expect({ code: ran.code, stdout: ran.stdout }).toEqual({ code: 0, stdout: '' })
  const logged = ran.stderr.trimEnd().split('\n')
  expect(logged.map((line) => typeof JSON.parse(line))).toEqual(logged.map(() => 'object'))

  const [status, text] = await Promise.all([
    program(['status', '-f', 'spec.yaml', '--json'], { cwd }),
    program(['status', '-f', 'spec.yaml'], { cwd }),
  ])
  expect([status.code, text.code]).toEqual([0, 0])
  expect(parseJson(status.stdout, 'the answer')).toMatchObject({
    ok: true,
    documents: [
      { tables: [{ exists: true, rows: 4, partitions: [{ topic: 'g-txn', partition: 0, next: 6, lagSegments: 0, holes: [] }] }] },
    ],
  })
  expect(text.stdout).toMatch(/g-txn +0 +6 +up to date\n/)
})

test('run goes on until a signal, and then ends with 0', async () => {
  const child = spawn(process.execPath, [bin, 'run', '-f', 'spec.yaml'], {
    cwd: workspace(),
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const ended = once(child, 'close')
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
  while (!said.includes('table created')) await once(child.stderr, 'data')
  child.kill('SIGTERM')
  expect(await ended).toEqual([0, null])
  expect(said).toContain('Stopping')
})

test('run goes over to a changed document, refuses a wrong one, and says what needs a restart', { timeout: 60_000 }, async () => {
  const cwd = workspace()
  const file = join(cwd, 'spec.yaml')
  const text = readFileSync(file, 'utf8')
  const child = spawn(process.execPath, [bin, 'run', '-f', 'spec.yaml'], { cwd, stdio: ['ignore', 'ignore', 'pipe'] })
  const ended = once(child, 'close')
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const heard = async (words: string) => {
    while (!said.includes(words)) await once(child.stderr, 'data')
  }
  /** Writes the document anew and asks for it to be looked at. */
  const change = (from: string, to: string) => {
    writeFileSync(file, text.replace(from, to))
    child.kill('SIGHUP')
  }
  await heard('"msg":"committed"')
  change('graceSeconds: 0', 'graceSeconds: -1')
  await heard('spec.source.graceSeconds')
  change('directory: segments', 'directory: elsewhere')
  await heard('"restart":["spec.source.directory"]')
  change('g-txn', 'g-txn, g-none')
  await heard('"live":["spec.source.topics"],"msg":"the changed document counts from now on"')
  cpSync(join(golden, 'g-none'), join(cwd, 'segments/g-none'), { recursive: true })
  child.kill('SIGTERM')
  expect(await ended).toEqual([0, null])
  const ran = await program(['run', '-f', 'spec.yaml', '--once'], { cwd })
  expect(ran.stderr).toContain('"table":"g_none"')
})

test.each(['0', '-1', 'soon', '100000'])('a grace of %s seconds is refused', async (seconds) => {
  const { code, stderr } = await program(['run', '-f', 'spec.yaml', '--grace-seconds', seconds], { cwd: workspace() })
  expect({ code, stderr }).toEqual({ code: 2, stderr: 'error: --grace-seconds: expected a number above 0, up to 86400\n' })
})

test.each(['worker', 'planner', 'committer'])('%s without a queue that others share ends with 2 and names the key', async (role) => {
  const { code, stderr } = await program([role, '-f', 'spec.yaml'], { cwd: workspace() })
  expect(code).toBe(2)
  expect(stderr).toContain(`spec.yaml: document local: spec.queue: expected a queue in Redis for a ${role}, found none`)
})
