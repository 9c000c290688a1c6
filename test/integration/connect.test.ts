import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import {
  addSegment,
  documentOf,
  documentText,
  type DocumentParts,
  type Place,
  restOnS3,
  runOnce,
  sqliteOnFiles,
  sqliteOnS3,
} from './program.ts'
import { python } from './servers.ts'

const bin = join(import.meta.dirname, '../../src/bin.js')
const topic = 'greetings'
const database = `connect_${process.pid}`
const utf8 = (text: string) => new TextEncoder().encode(text)

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'connect-'))
  await mkdir(join(directory, 'source'))
  await addSegment(join(directory, 'source'), { topic, partition: 0 }, 0n, [{ key: utf8('grüezi'), value: utf8('wohl') }])
})
afterAll(() => rm(directory, { recursive: true, force: true }))

/** Fills a table, and gives what the command prints for it. */
async function pasted(engine: string, place: Place, name: string): Promise<string> {
  const parts: DocumentParts = { place, source: { directory: join(directory, 'source') }, database: `${database}_${name}` }
  expect(await runOnce(documentOf(parts))).toMatchObject({ ok: true, errors: '' })
  const file = join(directory, `${name}.json`)
  await writeFile(file, documentText(parts))
  const { stdout } = await promisify(execFile)(process.execPath, [bin, 'connect', engine, '-f', file, topic, '--json'])
  const { blocks } = (JSON.parse(stdout) as { documents: { blocks: { text: string }[] }[] }).documents[0]
  return blocks[0].text
}

/** Runs Python, with the keys where the text says that they come from. */
async function runPython(code: string): Promise<string> {
  const { accessKeyId, secretAccessKey } = inject('s3')
  const env = { ...process.env, AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, PYTHONWARNINGS: 'ignore' }
  return (await promisify(execFile)(python, ['-c', code], { env })).stdout
}

test.each([
  ["Iceberg's REST catalog", 'rest', () => restOnS3()],
  ['a SQLite catalog over S3', 'sqlite_s3', () => sqliteOnS3(directory, 'connect')],
  ['a SQLite catalog over files', 'sqlite_files', () => sqliteOnFiles(join(directory, 'files'))],
] as const)('what is pasted into PyIceberg answers over %s, with bytes as text', async (_what, name, place) => {
  await mkdir(join(directory, 'files'), { recursive: true })
  const out = await runPython(await pasted('pyiceberg', place(), name))
  expect(out).toContain('["grüezi"]')
  expect(out).toContain('["wohl"]')
})

test("what is pasted into DuckDB answers over Iceberg's REST catalog, with bytes as text and times in UTC", async () => {
  const { accessKeyId, secretAccessKey } = inject('s3')
  const sql = (await pasted('duckdb', restOnS3(), 'duckdb'))
    .replace('<access key id>', accessKeyId)
    .replace('<secret access key>', secretAccessKey)
    // Extensions are loaded from packages here; nothing is downloaded.
    .replaceAll(/(?:INSTALL|LOAD) \w+;/g, '')
  const out = await runPython(`
import sys
sys.path.insert(0, ${JSON.stringify(join(import.meta.dirname, 'readers'))})
import read_duckdb
connection = read_duckdb.connect()
connection.execute("SET TimeZone = 'America/New_York'")
answer = connection.execute(${JSON.stringify(sql)}).fetch_arrow_table().to_pylist()
print(answer[0]["kafka_key_text"], answer[0]["value_text"], connection.execute("SELECT current_setting('TimeZone')").fetchone()[0])
`)
  expect(out.trim()).toBe('grüezi wohl UTC')
})
