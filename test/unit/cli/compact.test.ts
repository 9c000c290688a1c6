import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { segmentKey } from '../../../src/formats/kfs/segment-key.ts'
import { readRows } from '../../../src/formats/parquet/read-rows.ts'
import { batch, framed } from '../service/segments.ts'
import { program } from './program.ts'

const scratch = mkdtempSync(join(tmpdir(), 'compact-'))
afterAll(() => rmSync(scratch, { recursive: true }))

const at = { topic: 'orders', partition: 0 }

function addSegment(cwd: string, baseOffset: bigint): void {
  const { segment, index } = framed(baseOffset, [batch(baseOffset, 10)])
  for (const [part, bytes] of [
    ['index', index],
    ['kfs', segment],
  ] as const) {
    const path = join(cwd, 'segments', segmentKey('', at, baseOffset, part))
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, bytes)
  }
}

test('small files are shown by a dry run, then joined, and the table has every row once', async () => {
  const cwd = mkdtempSync(join(scratch, 'in-'))
  const head = 'apiVersion: kafscale.io/v1\nkind: IcebergProcessor\nmetadata: {name: local}\n'
  const mapping = '  mappings: [{topic: orders, value: {format: binary}}]\n'
  writeFileSync(join(cwd, 'spec.yaml'), `${head}spec:\n  source: {topics: [orders], directory: segments, graceSeconds: 0}\n${mapping}`)
  for (let i = 0; i < 5; i++) {
    addSegment(cwd, BigInt(i * 10))
    expect((await program(['run', '-f', 'spec.yaml', '--once'], { cwd })).code).toBe(0)
  }
  const files = () => readdirSync(join(cwd, 'warehouse/default/orders/data')).length
  expect(files()).toBe(5)

  const dry = await program(['compact', '-f', 'spec.yaml', '--dry-run', 'orders'], { cwd })
  expect(dry.stdout).toMatch(
    /^default\.orders: would rewrite 5 files \([\d.]+ \w+\) of 5 into about 1, in 1 rewrite and about 1 commit: about \d+ GETs and \d+ PUTs, 1 s by the speed of the benchmark; less than 0\.01 USD\n$/,
  )
  writeFileSync(join(cwd, 'dear.json'), '{"getsPerThousand": 0, "putsAndListsPerThousand": 1000, "corePerHour": 0}')
  const priced = await program(['compact', '-f', 'spec.yaml', '--dry-run', '--prices', 'dear.json', '--json'], { cwd })
  const [{ done: bill }] = (JSON.parse(priced.stdout) as { tables: { done: { cost: { puts: number }; money: { total: number } } }[] })
    .tables
  expect(bill.money.total).toBe(bill.cost.puts)
  expect(files()).toBe(5)
  const text = readFileSync(join(cwd, 'spec.yaml'), 'utf8')
  writeFileSync(join(cwd, 'tight.yaml'), `${text}  processing: {memoryLimitBytes: 268435456}\n`)
  expect((await program(['compact', '-f', 'tight.yaml', '--dry-run'], { cwd })).stdout).toContain('would rewrite 5 files')
  expect(await program(['compact', '-f', 'tight.yaml'], { cwd })).toMatchObject({
    code: 2,
    stderr: 'error: spec.processing.memoryLimitBytes: expected at least 436207616 to rewrite files, found 268435456\n',
  })
  expect((await program(['status', '-f', 'tight.yaml'], { cwd })).stdout).toContain(
    'not due  default.orders: compaction: processing.memoryLimitBytes: expected at least 436207616 to rewrite files, found 268435456',
  )
  expect(files()).toBe(5)
  const done = await program(['compact', '-f', 'spec.yaml', '--json'], { cwd })
  expect(done).toMatchObject({ code: 0, stderr: '' })
  expect(JSON.parse(done.stdout)).toMatchObject({
    ok: true,
    dryRun: false,
    tables: [
      {
        table: 'default.orders',
        problem: null,
        done: { files: 5, rewrites: 1, report: { committed: 1, refused: 0, failed: 0, inputFiles: 5, outputFiles: 1 } },
      },
    ],
  })
  expect(files()).toBe(6)
  const verified = await program(['verify', '-f', 'spec.yaml', '--exact', '--json'], { cwd })
  expect(verified.code).toBe(0)
  expect(JSON.parse(verified.stdout)).toMatchObject({ ok: true, tables: [{ counts: { files: 1, rows: 50 } }] })
  expect((await program(['compact', '-f', 'spec.yaml'], { cwd })).stdout).toBe(
    'default.orders: nothing is worth a rewrite, of 1 data file; 1 file too few or too unequal to be joined\n',
  )
  const sort = ['compact', '-f', 'spec.yaml', '--sort-by', 'kafka_offset desc, kafka_key asc nulls last']
  expect((await program(sort, { cwd })).stdout).toContain('rewrote 1 file')
  const data = join(cwd, 'warehouse/default/orders/data')
  const [sorted] = readdirSync(data)
    .map((name) => join(data, name))
    .toSorted((one, other) => statSync(other).mtimeMs - statSync(one).mtimeMs)
  const rows = await readRows(readFileSync(sorted), 50)
  expect(rows.map(({ kafka_offset: offset }) => offset)).toEqual(Array.from({ length: 50 }, (_, i) => BigInt(49 - i)))
  expect(await program(['compact', '-f', 'spec.yaml', '--sort-by', 'kafka_ofset'], { cwd })).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('did you mean kafka_offset?') as string,
  })
  expect((await program(['compact', '-f', 'spec.yaml', '--sort-by', 'a sideways'], { cwd })).code).toBe(2)
  expect((await program(['compact', '-f', 'spec.yaml', '--delete-file-threshold', '0'], { cwd })).code).toBe(2)
  addSegment(cwd, 50n)
  expect((await program(['run', '-f', 'spec.yaml', '--once'], { cwd })).code).toBe(0)
  expect((await program(['verify', '-f', 'spec.yaml'], { cwd })).code).toBe(0)
}, 180_000)
