import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { golden, program } from './program.ts'

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'doctor-'))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

const document = (source: string) => `apiVersion: kafscale.io/v1
kind: IcebergProcessor
metadata: {name: local}
spec:
  source: {topics: [g-none], directory: ${JSON.stringify(source)}}
`

test('with files alone everything is well, and no file of the probe stays', async () => {
  const { code, stdout, stderr } = await program(['doctor', '-f', '-'], { stdin: document(golden), cwd: directory })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toContain('ok       commit        an empty snapshot')
  expect(stdout).toMatch(/\nnothing failed\n$/)
  const files = (await readdir(directory, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())
  expect(files.map(({ name }) => name)).toEqual(['catalog.db'])
})

test('a source that is not there fails, and the exit code is 1; a document that is wrong is 2', async () => {
  const missing = await program(['doctor', '-f', '-', '--read-only'], { stdin: document(join(directory, 'nowhere')), cwd: directory })
  expect(missing.code).toBe(1)
  expect(missing.stdout).toMatch(/failed {3}source .*nowhere/)
  expect(missing.stdout).toMatch(/\n1 check failed\n$/)
  expect((await program(['doctor', '-f', '-'], { stdin: 'kind: Nothing' })).code).toBe(2)
})
