import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { golden, program } from './program.ts'

const scratch = mkdtempSync(join(tmpdir(), 'inspect-'))
afterAll(() => rmSync(scratch, { recursive: true }))

beforeAll(() => {
  // In `odd`: a segment without index, an index without segment, a blob, a damaged segment, and a hole where a segment was.
  const partition = join(scratch, 'odd/g-none/0')
  cpSync(join(golden, 'g-none/0'), partition, { recursive: true })
  rmSync(join(partition, 'segment-00000000000000000040.kfs'))
  rmSync(join(partition, 'segment-00000000000000000118.index'))
  mkdirSync(join(scratch, 'odd/g-none/lfs/2026'), { recursive: true })
  writeFileSync(join(scratch, 'odd/g-none/lfs/2026/obj-1'), 'blob')
  cpSync(join(golden, 'g-snappy/0'), join(scratch, 'odd/g-snappy/0'), { recursive: true })
  writeFileSync(join(scratch, 'odd/g-snappy/0/segment-00000000000000000079.kfs'), 'KAFSnothing')
})

test('a directory is listed by topic-partition, without reading its segments', async () => {
  const { code, stdout, stderr } = await program(['inspect', golden])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toContain('12 topic-partitions · 57 complete segments · 366 KiB')
  expect(stdout).toMatch(/\n {2}g-snappy {12}1 {9}6 {3}30 KiB {2}0–197\n/)
  expect(stdout).toContain('--deep reads every segment')
})

test('--deep reads every segment: offsets, records, codecs, overlaps and what repeats', async () => {
  const { code, stdout } = await program(['inspect', golden, '--deep'])
  expect(code).toBe(0)
  expect(stdout).toMatch(/\n {2}g-java +0 +5 +8\.1 KiB {2}0–149 +150 {2}none gzip snappy lz4 zstd\n/)
  expect(stdout).toContain('g-twobatch/0  overlaps: [2, 3)\n')
  expect(stdout).toContain('g-twobatch/0  repeated: 2 records with an offset that the same segment has already\n')
  expect(stdout).toContain('g-twobatch/0  1 segment with nothing that earlier ones lack: segment-00000000000000000002.kfs\n')
})

test.each(['g-txn', 'g-txn/0'])('topic and partition are known below them too: %s', async (path) => {
  const { code, stdout } = await program(['inspect', join(golden, path), '--deep', '--json'])
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({
    ok: true,
    kind: 'prefix',
    partitions: [{ topic: 'g-txn', partition: 0, segments: 5, deep: { records: 6, offsets: [[0, 6]], gaps: [], overlaps: [] } }],
  })
})

describe('of a prefix in disorder', () => {
  test('the listing tells what does not count, and what is foreign', async () => {
    const { code, stdout } = await program(['inspect', 'odd'], { cwd: scratch })
    expect(code).toBe(0)
    expect(stdout).toContain('g-none/0  1 segment without index, which does not count: segment-00000000000000000118.kfs\n')
    expect(stdout).toContain('g-none/0  1 index without segment: segment-00000000000000000040.index\n')
    expect(stdout).toContain('1 other object (4 B), such as g-none/lfs/2026/obj-1\n')
  })

  test('--deep tells gaps and faults, and ends with exit code 1', async () => {
    const { code, stdout } = await program(['inspect', 'odd', '--deep'], { cwd: scratch })
    expect(code).toBe(1)
    expect(stdout).toContain('g-none/0  gaps: [40, 79)\n')
    expect(stdout).toContain('g-snappy/0  gaps: [79, 118)\n')
    expect(stdout).toContain(
      'fault (length) at g-snappy/0/segment-00000000000000000079.kfs, byte 0, offset 79: a segment has 48 to 2147483647 bytes, and this object has 11\n',
    )
  })
})

function document(topics: string, name = 'local'): string {
  return `apiVersion: kafscale.io/v1
kind: IcebergProcessor
metadata: {name: ${name}}
spec:
  source: {topics: [${topics}], directory: ${golden}}
`
}

describe("a document's source", () => {
  test('is looked at with -f, --topic and --partition', async () => {
    const { code, stdout } = await program(['inspect', '-f', '-', '--topic', 'g-java', '--partition', '1'], { stdin: document('"*"') })
    expect(code).toBe(0)
    expect(stdout).toContain(`${golden}/g-java/1/  1 topic-partition · 6 complete segments`)
  })

  test('is that of the one document which has the topic', async () => {
    const stdin = `${document('g-java', 'one')}---\n${document('g-none', 'other')}`
    const [found, both] = await Promise.all([
      program(['inspect', '-f', '-', '--topic', 'g-none'], { stdin }),
      program(['inspect', '-f', '-'], { stdin }),
    ])
    expect(found.code).toBe(0)
    expect(both).toEqual({ code: 2, stdout: '', stderr: 'error: expected a file with one document, found 2\n' })
  })
})

test.each([
  [['inspect'], 'expected a target or -f, found neither; see: iceberg-processor inspect --help'],
  [['inspect', '.', '-f', 'x'], 'expected a target or -f, found both; see: iceberg-processor inspect --help'],
  [['inspect', '.', '--topic', 'x'], '--topic goes with -f; a target names its topic itself'],
  [['inspect', '.', '--records'], '--records lists the records of one segment, and the target is a prefix'],
  [['inspect', 'nowhere'], 'expected a file, a directory or s3://bucket/prefix, but nowhere does not exist'],
  [['inspect', 'empty'], 'expected segments under empty, found no object'],
  [['inspect', 's3://bucket/x'], 'expected a region for bucket bucket, as a setting or in AWS_REGION, found none'],
])('%j is refused with exit code 2', async (args, message) => {
  mkdirSync(join(scratch, 'empty'), { recursive: true })
  expect(await program(args, { cwd: scratch })).toEqual({ code: 2, stdout: '', stderr: `error: ${message}\n` })
})
