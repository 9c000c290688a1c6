import { cpSync, mkdtempSync, readdirSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { golden, program } from './program.ts'

const scratch = realpathSync(mkdtempSync(join(tmpdir(), 'directions-')))
afterAll(() => rmSync(scratch, { recursive: true }))

const topic = 'g-none'

/** A directory with the segments of a topic, and a table that has them all. */
async function materialized(): Promise<string> {
  const cwd = mkdtempSync(join(scratch, 'in-'))
  cpSync(join(golden, topic), join(cwd, 'segments', topic), { recursive: true })
  writeDocument(cwd, 'segments')
  expect((await run(cwd)).code).toBe(0)
  return cwd
}

function writeDocument(cwd: string, directory: string): void {
  const head = 'apiVersion: kafscale.io/v1\nkind: IcebergProcessor\nmetadata: {name: local}\n'
  writeFileSync(join(cwd, 'spec.yaml'), `${head}spec:\n  source: {topics: [${topic}], directory: ${directory}, graceSeconds: 0}\n`)
}

const run = (cwd: string, ...flags: string[]) => program(['run', '-f', 'spec.yaml', '--once', ...flags], { cwd })

async function status(cwd: string): Promise<{ code: number | null; ok: boolean; rows: number }> {
  const { code, stdout } = await program(['status', '-f', 'spec.yaml', '--json'], { cwd })
  const { ok, documents } = JSON.parse(stdout) as { ok: boolean; documents: { tables: { rows: number }[] }[] }
  return { code, ok, rows: documents[0].tables[0].rows }
}

const rows = async (cwd: string) => (await status(cwd)).rows

test('a directory that has moved stops its table until --source-moved names the place before, and nothing comes twice', async () => {
  const cwd = await materialized()
  const before = await rows(cwd)
  cpSync(join(cwd, 'segments'), join(cwd, 'elsewhere'), { recursive: true })
  rmSync(join(cwd, 'segments'), { recursive: true })
  writeDocument(cwd, 'elsewhere')
  const old = `${pathToFileURL(join(cwd, 'segments')).href}/`
  const stopped = await run(cwd)
  expect(stopped.code).toBe(1)
  expect(stopped.stderr).toContain(`run with --source-moved ${old}`)
  expect(await status(cwd)).toEqual({ code: 1, ok: false, rows: before })
  expect((await run(cwd, '--source-moved', old)).code).toBe(0)
  expect(await status(cwd)).toEqual({ code: 0, ok: true, rows: before })
  expect((await run(cwd)).code).toBe(0)
  expect(await rows(cwd)).toBe(before)
}, 120_000)

test('a log that was restarted stops until --source-restarted, and then its rows come besides', async () => {
  const cwd = await materialized()
  const before = await rows(cwd)
  // One that has several segments: a first segment alone could also have been written again.
  const filesOf = (name: string) => readdirSync(join(cwd, 'segments', topic, name)).length
  const [longest] = readdirSync(join(cwd, 'segments', topic)).sort((a, b) => filesOf(b) - filesOf(a))
  const partition = join(cwd, 'segments', topic, longest)
  const files = readdirSync(partition).sort()
  const first = files.slice(0, 2)
  renameSync(partition, `${partition}.old`)
  for (const file of first) cpSync(join(`${partition}.old`, file), join(partition, file))
  rmSync(`${partition}.old`, { recursive: true })
  const stopped = await run(cwd)
  expect(stopped.code).toBe(1)
  expect(stopped.stderr).toContain('--source-restarted')
  expect(await status(cwd)).toEqual({ code: 1, ok: false, rows: before })
  const restarted = await run(cwd, '--source-restarted')
  expect({ code: restarted.code, stops: restarted.stderr.includes('stopped') }).toEqual({ code: 0, stops: false })
  const after = await rows(cwd)
  expect(after).toBeGreaterThan(before)
  expect((await run(cwd)).code).toBe(0)
  expect(await rows(cwd)).toBe(after)
}, 120_000)

test('what is said of a source is refused where documents have several', async () => {
  const cwd = mkdtempSync(join(scratch, 'two-'))
  writeDocument(cwd, 'one')
  const one = join(cwd, 'spec.yaml')
  const document = (directory: string) =>
    `apiVersion: kafscale.io/v1\nkind: IcebergProcessor\nmetadata: {name: ${directory}}\nspec:\n  source: {topics: [a], directory: ${directory}}\n`
  writeFileSync(one, `${document('one')}---\n${document('two')}`)
  expect(await run(cwd, '--source-restarted')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--source-restarted is about one source') as string,
  })
})
