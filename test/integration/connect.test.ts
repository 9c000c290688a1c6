import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { pasted } from './pasted.ts'
import { restOnS3, sqliteOnFiles, sqliteOnS3 } from './program.ts'
import { python } from './servers.ts'

const database = `connect_${process.pid}`

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'connect-'))
  await mkdir(join(directory, 'files'))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

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
  const out = await runPython((await pasted('pyiceberg', place(), `${database}_${name}`))[0])
  expect(out).toContain('["grüezi"]')
  expect(out).toContain('["wohl"]')
})

test("what is pasted into DuckDB answers over Iceberg's REST catalog, with bytes as text and times in UTC", async () => {
  const { accessKeyId, secretAccessKey } = inject('s3')
  const sql = (await pasted('duckdb', restOnS3(), `${database}_duckdb`))[0]
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
