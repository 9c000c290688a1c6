import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { parseJson } from '../../../src/formats/json/exact.ts'
import { golden, program } from './program.ts'

const scratch = mkdtempSync(join(tmpdir(), 'inspect-'))
afterAll(() => rmSync(scratch, { recursive: true }))

const segment0 = 'segment-00000000000000000000.kfs'

/** A damaged copy of the first golden segment of g-none/0, without an index. */
function damaged(name: string, damage: (bytes: Buffer) => Buffer): string {
  cpSync(join(golden, 'g-none/0', segment0), join(scratch, segment0))
  const path = join(scratch, name)
  writeFileSync(path, damage(readFileSync(join(golden, 'g-none/0', segment0))))
  return path
}

describe('a sound segment', () => {
  test('is shown with header, footer, index and batches', async () => {
    const { code, stdout, stderr } = await program(['inspect', join('g-txn/0/segment-00000000000000000002.kfs')], { cwd: golden })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout.replaceAll(/ +\n/g, '\n')).toBe(`g-txn/0/segment-00000000000000000002.kfs  segment, 126 bytes
  header    base offset 2 · 1 message · created 2026-11-21T03:02:17.179Z
  footer    last offset 2 · body CRC 8b94f428 ok
  index     1 entry, one in 100 messages
  records   1 · offsets 2

  POSITION  BYTES  OFFSETS  RECORDS  CODEC  NEWEST TIMESTAMP          PRODUCER  ATTRIBUTES    CRC
        32     78  2              1  none   2025-03-01T00:00:00.300Z  777/0/-1  txn, control  ok
`)
  })

  test('lists its records on request, at most 20 unless told otherwise', async () => {
    const path = join(golden, 'g-none/0', segment0)
    const [some, few] = await Promise.all([
      program(['inspect', path, '--records']),
      program(['inspect', path, '--records', '--limit', '2']),
    ])
    expect(some.stdout).toContain('\n  and 20 records more\n')
    expect(some.stdout).toMatch(/\n +19  2025-/)
    expect(some.stdout.split('\n').filter((line) => line.length > 100 && !line.includes(segment0))).toEqual([])
    expect(few.stdout).toContain('\n  and 38 records more\n')
  })

  test('shows nulls, empty values, bytes that are no text, and long values cut', async () => {
    const { stdout } = await program(['inspect', join(golden, 'g-edge/0', segment0), '--records'])
    expect(stdout).toMatch(/\n +0 .* null +"\{"id":0,"note":"null key"\}"\n/)
    expect(stdout).toMatch(/\n +1 .* "" +/)
    expect(stdout).toMatch(/\n +6 .* base64 \/wD\+ {2}base64 AP\+Afw==\n/)
    expect(stdout).toMatch(/\n +15 .*"\{"id":15,.* … 100018 bytes\n/)
  })

  test('is given exactly with --json, records as a consumer read them', async () => {
    const expected = readFileSync(join(golden, '../../expected/g-edge/0/expected.jsonl'), 'utf8')
      .split('\n')
      .slice(0, 16)
      .map((line) => JSON.parse(line) as { offset: number; timestamp: number; key_b64: string | null; value_b64: string | null })
    const { code, stdout } = await program(['inspect', join(golden, 'g-edge/0', segment0), '--records', '--json'])
    expect(code).toBe(0)
    const report = parseJson(stdout, 'the answer') as Record<string, unknown> & { records: Record<string, unknown>[] }
    expect(report).toMatchObject({
      ok: true,
      kind: 'segment',
      size: 100742,
      header: { baseOffset: 0, messageCount: 16 },
      footer: { lastOffset: 15, bodyCrcOk: true },
      index: { entries: [{ offset: 0, position: 32 }], fault: null },
      batches: [{ position: 32, header: { codec: 'none', recordCount: 16, producerId: -1 }, fault: null }],
      ranges: [[0, 16]],
      faults: [],
    })
    expect(
      report.records.map(({ offset, timestampMs, key, value }) => ({ offset, timestamp: timestampMs, key_b64: key, value_b64: value })),
    ).toEqual(expected.map(({ offset, timestamp, key_b64, value_b64 }) => ({ offset, timestamp, key_b64, value_b64 })))
  })

  test('tells offsets that repeat', async () => {
    const { code, stdout } = await program(['inspect', join(golden, 'g-twobatch/0', segment0)])
    expect(code).toBe(0)
    expect(stdout).toContain('records   5 · offsets 0–2 · 2 with an offset that repeats')
  })
})

describe('a damaged segment ends with exit code 1 and the fault', () => {
  test.each<[string, (bytes: Buffer) => Buffer, RegExp]>([
    [
      'a flipped bit',
      (bytes) => (bytes.writeUInt8(bytes[500] ^ 1, 500), bytes),
      /fault \(crc\) at byte 32, offset 0: the record batch at byte 32/,
    ],
    ['a cut end', (bytes) => bytes.subarray(0, bytes.length - 100), /fault \(length\) at byte 32, offset 0: the object ends at byte 15108/],
    ['another magic word', (bytes) => (bytes.writeUInt8(0, 0), bytes), /fault \(magic\) at byte 0, offset 0: a segment begins with KAFS/],
    ['no bytes', () => Buffer.alloc(0), /fault \(length\) at byte 0, offset 0: .* this object has 0/],
    ['a header alone', (bytes) => bytes.subarray(0, 40), /fault \(length\) at byte 0, offset 0: .* this object has 40/],
    ['text', () => Buffer.from('hello, this is no segment at all, only some text\n'), /fault \(magic\)/],
    [
      'a batch of magic 0',
      (bytes) => (bytes.writeUInt8(0, 48), bytes),
      /fault \(magic\) at byte 32, offset 0: .* has magic 0, and 2 was expected/,
    ],
  ])('%s', async (_, damage, fault) => {
    const { code, stdout, stderr } = await program(['inspect', damaged('copy.kfs', damage)])
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
    expect(stdout).toMatch(fault)
    expect(stdout).toContain('missing: without it the segment does not count')
  })

  test('a base offset that is not the one of its name', async () => {
    cpSync(join(golden, 'g-none/0', segment0), join(scratch, 'segment-00000000000000000007.kfs'))
    const { code, stdout } = await program(['inspect', join(scratch, 'segment-00000000000000000007.kfs'), '--json'])
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, faults: [{ kind: 'malformed', position: 8, offset: 7 }] })
  })
})

describe('an index', () => {
  test('is shown with its entries', async () => {
    const { code, stdout } = await program(['inspect', 'segment-00000000000000000000.index'], { cwd: join(golden, 'g-none/0') })
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout:
        'segment-00000000000000000000.index  index, 28 bytes · 1 entry, one in 100 messages\n\n  OFFSET  POSITION\n       0        32\n',
    })
  })

  test('that is damaged ends with exit code 1, with --json too', async () => {
    const path = join(scratch, 'segment-00000000000000000000.index')
    writeFileSync(path, readFileSync(join(golden, 'g-none/0/segment-00000000000000000000.index')).subarray(0, 20))
    const { code, stdout } = await program(['inspect', path, '--json'])
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, kind: 'index', entries: [], fault: { kind: 'length', position: 6 } })
  })
})
