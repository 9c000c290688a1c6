import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { examples, program } from './program.ts'

const env = { CATALOG_URL: 'http://127.0.0.1:8181/catalog' }

test('a good document is summed up in three lines', async () => {
  const { code, stdout, stderr } = await program(['validate', '-f', 'directory.yaml'], { cwd: examples })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toBe(`directory.yaml: 1 document, valid

default/local
  reads   * in directory ./segments, from the earliest offset
  writes  a table for each topic, namespace default
  commits to the sql catalog sqlite:./catalog.db every 1 min
`)
})

test('several documents come from standard input too', async () => {
  const { code, stdout } = await program(['validate', '-f', '-'], { stdin: readFileSync(`${examples}/several.yaml`, 'utf8'), env })
  expect(code).toBe(0)
  expect(stdout).toContain('standard input: 2 documents, valid')
  expect(stdout).toContain('shop/orders')
  expect(stdout).toContain('clicks-* into clicks, each other topic into its own')
  expect(stdout).toContain(`to the rest catalog ${env.CATALOG_URL} every 10 min`)
})

const later = `apiVersion: kafscale.io/v1
kind: IcebergProcessor
metadata: {name: later}
spec:
  source: {topics: [a], directory: ./segments}
  mappings: [{topic: a, mode: upsert}]
`

test('what is not available yet is a warning, and exit code 0', async () => {
  const { code, stdout } = await program(['validate', '-f', '-'], { stdin: later })
  expect(code).toBe(0)
  expect(stdout).toContain('warning spec.mappings[0].mode: upsert is not available yet; append works')
  expect(stdout).toContain('warning run refuses this document')
})

test('a column that some engine can not read is a warning, and run takes the document', async () => {
  const stdin = `apiVersion: kafscale.io/v1
kind: IcebergProcessor
metadata: {name: times}
spec:
  source: {topics: [a], directory: ./segments}
  mappings: [{topic: a, value: {columns: [{name: opens, type: time}]}}]
`
  const { code, stdout } = await program(['validate', '-f', '-'], { stdin })
  expect(code).toBe(0)
  expect(stdout).toContain('warning spec.mappings[0].value.columns[0].type: Spark, and so Databricks, refuses a whole table')
  expect(stdout).not.toContain('run refuses')
  const { documents } = JSON.parse((await program(['validate', '-f', '-', '--json'], { stdin })).stdout) as { documents: object[] }
  expect(documents[0]).toMatchObject({
    notYet: [],
    warnings: [{ path: 'spec.mappings[0].value.columns[0].type', message: expect.stringMatching(/^Spark/) as string }],
  })
})

test('a mapping that no topic of the source can match is a warning', async () => {
  const stdin = `apiVersion: kafscale.io/v1
kind: IcebergProcessor
metadata: {name: misspelt}
spec:
  source: {topics: [orders], directory: ./segments}
  mappings: [{topic: odrers-*, table: orders}]
`
  const { code, stdout } = await program(['validate', '-f', '-'], { stdin })
  expect(code).toBe(0)
  expect(stdout).toMatch(
    /warning spec\.mappings\[0\]\.topic: no entry of spec\.source\.topics can match "odrers-\*", .*; did you mean orders\?\n/,
  )
})

test('run refuses what is not available yet, with the key and exit code 2', async () => {
  const { code, stdout, stderr } = await program(['run', '--once', '-f', '-'], { stdin: later })
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toBe('error: standard input: document later: spec.mappings[0].mode: upsert is not available yet; append works\n')
})

test('with --json the summary and the warnings are one object', async () => {
  const { stdout } = await program(['validate', '-f', 'unity.yaml', '--json'], { cwd: examples })
  expect(JSON.parse(stdout)).toEqual({
    ok: true,
    file: 'unity.yaml',
    documents: [
      {
        name: 'events-to-iceberg',
        namespace: 'default',
        topics: ['events'],
        source: 's3://kafscale-data/segments/',
        catalog: {
          type: 'unity',
          endpoint: 'https://workspace.cloud.databricks.com/api/2.1/unity-catalog/iceberg',
          warehouse: '/Volumes/main/default/warehouse',
        },
        database: 'analytics',
        notYet: [],
        warnings: [],
      },
    ],
  })
})

const wrong = `apiVersion: kafscale.io/v1
kind: IcebergProcessor
metadata: {name: wrong}
spec:
  source: {topcis: [a], directory: ./segments}
  processing: {parallelism: many}
`

test('every problem of a document is a line with its place, and exit code 2', async () => {
  const { code, stdout, stderr } = await program(['validate', '-f', '-'], { stdin: wrong })
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  const lines = stderr.trimEnd().split('\n')
  expect(lines).toHaveLength(3)
  expect(lines.every((line) => /^error: standard input:\d+:\d+: spec\./.test(line))).toBe(true)
  expect(stderr).toContain('did you mean topics?')
})

test('with --json the problems of a document are an object on standard output', async () => {
  const { code, stdout, stderr } = await program(['validate', '-f', '-', '--json'], { stdin: wrong })
  expect({ code, stderr }).toEqual({ code: 2, stderr: '' })
  const { ok, problems } = JSON.parse(stdout) as { ok: boolean; problems: { path: string; line: number }[] }
  expect(ok).toBe(false)
  expect(problems.map(({ path, line }) => [path, line])).toContainEqual(['spec.processing.parallelism', 6])
})

test.each([
  ['nope.yaml', 'nope.yaml: expected a file with documents, but it does not exist'],
  ['.', '.: expected a file with documents, but it is a directory'],
  ['-', 'standard input: expected at least one document, found none'],
])('the file %s is refused with a reason', async (file, message) => {
  expect(await program(['validate', '-f', file], { cwd: examples })).toEqual({ code: 2, stdout: '', stderr: `error: ${message}\n` })
})

test('secrets are never shown', async () => {
  const stdin = `apiVersion: kafscale.io/v1
kind: IcebergProcessor
metadata: {name: secrets}
spec:
  source: {topics: [a], s3: {bucket: data, region: r, accessKeyId: "\${ID}", secretAccessKey: "\${KEY}"}}
  sink: {catalog: {type: rest, endpoint: "http://127.0.0.1/", token: hush-token, headers: {X-Key: hush-header}}}
  queue: {redis: "redis://user:hush-redis@127.0.0.1/"}
  mappings: [{topic: a, mode: upsert}]
`
  for (const args of [
    ['validate', '-f', '-'],
    ['validate', '-f', '-', '--json'],
    ['run', '-f', '-'],
  ]) {
    const { stdout, stderr } = await program(args, { stdin, env: { ID: 'hush-id', KEY: 'hush-key' } })
    expect(stdout + stderr).not.toContain('hush')
    expect(stdout + stderr).toContain('secrets')
  }
})
