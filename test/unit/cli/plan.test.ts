import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { golden, program } from './program.ts'

const scratch = mkdtempSync(join(tmpdir(), 'plan-'))
afterAll(() => rmSync(scratch, { recursive: true }))

const document = `apiVersion: kafscale.io/v1
kind: IcebergProcessor
metadata: {name: local}
spec:
  source: {topics: [g-edge, g-none, g-txn], directory: segments, graceSeconds: 0}
`

/** A directory with segments and this document, and no table yet. */
function workspace(text = document): string {
  const directory = mkdtempSync(join(scratch, 'in-'))
  for (const topic of ['g-edge', 'g-none', 'g-txn']) cpSync(join(golden, topic), join(directory, 'segments', topic), { recursive: true })
  writeFileSync(join(directory, 'spec.yaml'), text)
  return directory
}

interface Planned {
  readonly documents: readonly {
    readonly tables: readonly { table: string; exists: boolean; value: string; columns: unknown[]; work: { segments: number } }[]
  }[]
}

test('plan says what a run would do, changes nothing, and has nothing to say after the run', async () => {
  const cwd = workspace()
  const [text, json] = [await program(['plan', '-f', 'spec.yaml'], { cwd }), await program(['plan', '-f', 'spec.yaml', '--json'], { cwd })]
  expect({ code: text.code, stderr: text.stderr }).toEqual({ code: 0, stderr: '' })
  expect(text.stdout).toMatch(/default\.g_none +would be made +read +3 +12 /)
  expect(text.stdout).toContain("$['event_time']")
  const { tables } = (JSON.parse(json.stdout) as Planned).documents[0]
  expect(tables.map(({ table, exists, value, work }) => [table, exists, value, work.segments])).toEqual([
    ['default.g_edge', false, 'binary', 3],
    ['default.g_none', false, 'json', 12],
    ['default.g_txn', false, 'json', 5],
  ])
  expect(readdirSync(cwd).sort()).toEqual(['segments', 'spec.yaml'])

  await program(['run', '-f', 'spec.yaml', '--once'], { cwd })
  const after = await program(['plan', '-f', 'spec.yaml'], { cwd })
  expect(after.stdout).toMatch(/default\.g_none +is there +400 +nothing /)
  expect(after.stdout).toContain('nothing to do now')
})

test('plan has the bill of what is declared of history', async () => {
  const declared = document.replace('[g-edge, g-none, g-txn]', '[g-none]').replace('graceSeconds: 0', 'graceSeconds: 0, startAt: latest')
  const cwd = workspace(`${declared}  backfill: [{topic: g-none}]\n`)
  expect((await program(['plan', '-f', 'spec.yaml'], { cwd })).stdout).toMatch(
    /backfill {2}default\.g_none: 803d67eb of g-none, declared: nothing to read; of 3 topic-partitions the tail has read nothing yet/,
  )
  writeFileSync(join(cwd, 'spec.yaml'), declared)
  await program(['run', '-f', 'spec.yaml', '--once'], { cwd })
  writeFileSync(join(cwd, 'spec.yaml'), `${declared}  backfill: [{topic: g-none}]\n`)
  expect((await program(['plan', '-f', 'spec.yaml'], { cwd })).stdout).toMatch(
    /backfill {2}default\.g_none: 803d67eb of g-none, declared: 400 offsets in 12 segments, 151 KiB; 12 GETs, 9 LISTs/,
  )
  await program(['run', '-f', 'spec.yaml', '--once'], { cwd })
  expect((await program(['plan', '-f', 'spec.yaml'], { cwd })).stdout).not.toContain('backfill')
}, 180_000)

test('plan of a document that asks for what is not there yet exits 2 and names it', async () => {
  const cwd = workspace(document.replace('spec:', 'spec:\n  mappings: [{ topic: g_none, mode: upsert }]'))
  expect(await program(['plan', '-f', 'spec.yaml'], { cwd })).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('spec.mappings[0].mode') as string,
  })
})

test('plan of a source that is not there exits 1 and names it', async () => {
  const cwd = workspace(document.replace('segments,', 'elsewhere,'))
  expect(await program(['plan', '-f', 'spec.yaml'], { cwd })).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('elsewhere') as string,
  })
})

test('what schema show prints can be pasted, is valid, and gives the same table', async () => {
  const cwd = workspace()
  const first = await program(['schema', 'show', '-f', 'spec.yaml'], { cwd })
  expect({ code: first.code, stderr: first.stderr }).toEqual({ code: 0, stderr: '' })
  const planOf = async (file: string) => {
    const { stdout } = await program(['plan', '-f', file, '--json'], { cwd })
    return (JSON.parse(stdout) as Planned).documents[0].tables.map(({ table, value, columns }) => ({ table, value, columns }))
  }
  const inferred = await planOf('spec.yaml')

  writeFileSync(join(cwd, 'pasted.yaml'), document + first.stdout)
  expect(await program(['validate', '-f', 'pasted.yaml'], { cwd })).toMatchObject({ code: 0 })
  expect(await planOf('pasted.yaml')).toEqual(inferred)
  const withoutComments = (text: string) => text.split('\n').filter((line) => !/^ *#/.test(line))
  expect(withoutComments((await program(['schema', 'show', '-f', 'pasted.yaml'], { cwd })).stdout)).toEqual(withoutComments(first.stdout))

  // The table that a run makes of the first document is continued by the pasted one.
  expect(await program(['run', '-f', 'spec.yaml', '--once'], { cwd })).toMatchObject({ code: 0 })
  const made = await program(['schema', 'show', '-f', 'pasted.yaml'], { cwd })
  expect(made).toMatchObject({ code: 0, stdout: expect.stringContaining('as the table has them') as string })
  expect(withoutComments(made.stdout)).toEqual(withoutComments(first.stdout))
  expect(await planOf('pasted.yaml')).toEqual(await planOf('spec.yaml'))
}, 60_000)

test('schema show shows one table, and says which there are where it is another', async () => {
  const cwd = workspace()
  const { code, stdout } = await program(['schema', 'show', '-f', 'spec.yaml', 'g_txn', '--json'], { cwd })
  expect(code).toBe(0)
  const { documents } = JSON.parse(stdout) as { documents: { tables: { table: string; mappings: unknown }[] }[] }
  expect(documents[0].tables.map(({ table, mappings }) => [table, mappings])).toEqual([
    [
      'default.g_txn',
      [
        {
          topic: 'g-txn',
          table: 'g_txn',
          value: {
            format: 'json',
            columns: [
              { name: 'id', type: 'long' },
              { name: 'txn', type: 'string' },
            ],
          },
        },
      ],
    ],
  ])
  expect(await program(['schema', 'show', '-f', 'spec.yaml', 'g_txm'], { cwd })).toEqual({
    code: 2,
    stdout: '',
    stderr: 'error: there is no table "g_txm" for a topic of the source; did you mean g_txn?\n',
  })
  expect(await program(['schema', 'show', '-f', 'spec.yaml', 'nothing_like_it'], { cwd })).toMatchObject({
    stderr: expect.stringContaining('the tables are default.g_edge, default.g_none, default.g_txn') as string,
  })
})

test('schema show of a table that can not be continued exits 1 and says why', async () => {
  const cwd = workspace()
  await program(['run', '-f', 'spec.yaml', '--once'], { cwd })
  writeFileSync(
    join(cwd, 'other.yaml'),
    `${readFileSync(join(cwd, 'spec.yaml'), 'utf8')}  mappings: [{topic: g-txn, value: {format: string}}]\n`,
  )
  const { code, stdout } = await program(['schema', 'show', '-f', 'other.yaml', 'g_txn'], { cwd })
  expect(code).toBe(1)
  expect(stdout).toMatch(/^ {4}# default\.g_txn: table default\.g_txn can not be continued: /)
  expect(stdout).not.toContain('mappings')
})

test('schema needs to be told what to do', async () => {
  expect(await program(['schema'])).toEqual({
    code: 2,
    stdout: '',
    stderr: 'error: expected show after schema; see: iceberg-processor schema --help\n',
  })
  expect(await program(['schema', 'hide', '-f', 'x'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('see: iceberg-processor schema --help') as string,
  })
  const { code, stdout } = await program(['schema', 'show', '--help'])
  expect(code).toBe(0)
  expect(stdout).toMatch(/Examples:\n {2}.+:\n {4}\$ iceberg-processor schema show -f spec\.yaml orders/)
})
