import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { golden, program } from './program.ts'

const scratch = mkdtempSync(join(tmpdir(), 'pause-'))
afterAll(() => rmSync(scratch, { recursive: true }))

/** A directory with the segments of two topics and a document for them, and no table yet. */
function workspace(topics: string): string {
  const directory = mkdtempSync(join(scratch, 'in-'))
  for (const topic of ['g-edge', 'g-none']) cpSync(join(golden, topic), join(directory, 'segments', topic), { recursive: true })
  const source = `{topics: ${topics}, directory: segments, graceSeconds: 0}`
  const head = 'apiVersion: kafscale.io/v1\nkind: IcebergProcessor\nmetadata: {name: local}\n'
  writeFileSync(join(directory, 'spec.yaml'), `${head}spec:\n  source: ${source}\n`)
  return directory
}

interface Status {
  readonly documents: readonly { readonly tables: readonly { table: string; rows: number | null; paused: string[] }[] }[]
}

test('a topic that is paused before its table exists stays out of runs until it is resumed, and status shows it', async () => {
  const cwd = workspace('["g-*"]')
  const paused = await program(['pause', '-f', 'spec.yaml', 'g-none'], { cwd })
  expect(paused).toEqual({ code: 0, stdout: 'default.g_none: paused: g-none (the table was made to hold the request)\n', stderr: '' })
  expect((await program(['pause', '-f', 'spec.yaml', 'g-none'], { cwd })).stdout).toBe('default.g_none: was paused already: g-none\n')

  expect((await program(['run', '-f', 'spec.yaml', '--once'], { cwd })).code).toBe(0)
  const shown = async () => {
    const { stdout } = await program(['status', '-f', 'spec.yaml', '--json'], { cwd })
    return (JSON.parse(stdout) as Status).documents[0].tables.map(({ table, rows, paused: topics }) => [table, rows ?? 0, topics])
  }
  const [edge, none] = await shown()
  expect(edge).toEqual(['default.g_edge', expect.any(Number), []])
  expect(edge[1]).toBeGreaterThan(0)
  expect(none).toEqual(['default.g_none', 0, ['g-none']])
  expect((await program(['status', '-f', 'spec.yaml'], { cwd })).stdout).toContain('paused  default.g_none: g-none')
  expect((await program(['plan', '-f', 'spec.yaml'], { cwd })).stdout).toContain('paused: nothing is done until it is resumed')

  expect((await program(['resume', '-f', 'spec.yaml'], { cwd })).stdout).toBe(
    'default.g_edge: was not paused: g-edge\ndefault.g_none: resumed: g-none\n',
  )
  expect((await program(['run', '-f', 'spec.yaml', '--once'], { cwd })).code).toBe(0)
  expect((await shown())[1]).toEqual(['default.g_none', expect.any(Number), []])
  expect((await shown())[1][1]).toBeGreaterThan(0)
}, 120_000)

test('a topic that the document does not have can not be paused, and the exit code says that the arguments are wrong', async () => {
  const cwd = workspace('[g-edge]')
  expect(await program(['pause', '-f', 'spec.yaml', 'g-none'], { cwd })).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringContaining('no topic of the document is g-none') as string,
  })
})

test('a topic without records is paused once its columns can be known, and the message says so', async () => {
  const cwd = workspace('[g-edge, later]')
  const { code, stdout } = await program(['pause', '-f', 'spec.yaml', 'later', '--json'], { cwd })
  expect(code).toBe(1)
  expect(JSON.parse(stdout)).toMatchObject({
    ok: false,
    documents: [
      { name: 'local', tables: [{ table: 'default.later', problem: expect.stringContaining('try again once there are segments') }] },
    ],
  })
})
