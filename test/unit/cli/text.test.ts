import { describe, expect, test } from 'vitest'
import { preview } from '../../../src/cli/inspect/records.ts'
import { displayWidth, printable } from '../../../src/cli/printable.ts'
import { tableLines } from '../../../src/cli/table.ts'
import { formatBytes, formatDuration, formatNumberOf, formatSpan, formatTime } from '../../../src/cli/units.ts'

test('sizes have two or three digits and a binary unit', () => {
  expect([0, 1, 999, 1000, 1023, 1024, 10_239, 134_217_728, 2 ** 40, 2 ** 60].map(formatBytes)).toEqual([
    '0 B',
    '1 B',
    '999 B',
    '1.0 KiB',
    '1.0 KiB',
    '1.0 KiB',
    '10 KiB',
    '128 MiB',
    '1.0 TiB',
    '1024 PiB',
  ])
})

test('durations show their two largest units', () => {
  expect([0, 999, 1000, 61_000, 3_600_000, 3_601_000, 90_061_000, -5000].map(formatDuration)).toEqual([
    '0 ms',
    '999 ms',
    '1 s',
    '1 min 1 s',
    '1 h',
    '1 h',
    '1 d 1 h',
    '-5 s',
  ])
})

test('times are UTC, and absurd ones stay numbers', () => {
  expect(formatTime(1_740_787_200_015n)).toBe('2025-03-01T00:00:00.015Z')
  expect(formatTime(-1n)).toBe('none')
  expect(formatTime(1_740_787_200_015_000_000n)).toBe('1740787200015000000 ms')
  expect(formatTime(-9_223_372_036_854_775_808n)).toBe('-9223372036854775808 ms')
})

test('offsets are written with every digit, counts with their noun', () => {
  expect(formatSpan(9_223_372_036_854_775_806n, 9_223_372_036_854_775_807n)).toBe('9223372036854775806–9223372036854775807')
  expect([formatNumberOf(1, 'index', 'indexes'), formatNumberOf(2000n, 'record')]).toEqual(['1 index', '2,000 records'])
})

test('what a terminal would act upon is written out', () => {
  expect(printable('a\u001b[31m\u009b2J\r\n\u202eb\ufeff')).toBe('a\\u001b[31m\\u009b2J\\u000d\\u000a\\u202eb\\ufeff')
  expect(printable('größe 表 🙂')).toBe('größe 表 🙂')
})

test('the columns of a table stay aligned with wide characters, and empty ones are left out', () => {
  const rows = [
    { name: '表', count: 5 },
    { name: 'abc', count: 1000 },
  ]
  const lines = tableLines(
    [
      { title: 'N', cell: ({ name }) => name },
      { title: 'NOTHING', cell: () => '' },
      { title: 'C', align: 'right', cell: ({ count }: (typeof rows)[number]) => String(count) },
    ],
    rows,
    (_style, text) => text,
  )
  expect(lines).toEqual(['  N       C', '  表      5', '  abc  1000'])
  expect(displayWidth(lines[1])).toBe(displayWidth(lines[2]))
})

describe('the preview of a key or value', () => {
  test('tells null, empty, text and other bytes apart', () => {
    expect([null, Buffer.from(''), Buffer.from('null'), Buffer.of(0xff, 0)].map((value) => preview(value, 30))).toEqual([
      'null',
      '""',
      '"null"',
      'base64 /wA=',
    ])
  })

  test('keeps to its width, whatever the bytes', () => {
    for (const value of [
      Buffer.from('x'.repeat(5000)),
      Buffer.from('表'.repeat(5000)),
      Buffer.from('\ufeff'.repeat(300)),
      Buffer.alloc(5000),
      Buffer.from('🙂'.repeat(99)),
    ]) {
      const shown = preview(value, 40)
      expect(displayWidth(shown)).toBeLessThanOrEqual(40)
      expect(shown).toContain(` … ${value.length} bytes`)
    }
  })
})
