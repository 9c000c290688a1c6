import { expect, test } from 'vitest'
import { MemberTable } from '../../../../../src/formats/json/scan/member-table.ts'
import { Source } from '../../../../../src/formats/json/scan/source.ts'

const encoder = new TextEncoder()

function find(table: MemberTable, key: string): number {
  const source = new Source()
  const text = encoder.encode(`"${key}":1}`)
  source.bytes = new Uint8Array(text.length + 16)
  source.bytes.set(text)
  source.view = new DataView(source.bytes.buffer)
  source.end = text.length
  return table.find(source, 0)
}

const tableOf = (...keys: string[]) => new MemberTable(keys, '', '$', () => {})

/** Keys of eight printable characters that all have one hash: the second word undoes what the first one did. */
function collidingKeys(count: number): string[] {
  const keys: string[] = []
  for (let n = 0; keys.length < count; n++) {
    const first = [0, 1, 2, 3].reduce((word, i) => word | ((0x23 + (Math.floor(n / 57 ** i) % 57)) << (8 * i)), 0)
    const second = Math.imul(first, 0x9e3779b1) ^ 0x41424344
    const key = String.fromCharCode(...[first, second].flatMap((word) => [0, 8, 16, 24].map((shift) => (word >>> shift) & 0xff)))
    if (/^[#-[\]-~]{8}$/.test(key)) keys.push(key)
  }
  return keys
}

test('keys that somebody made to share a hash are given up, not compared with all the others', () => {
  const table = tableOf('a', 'b')
  const found = collidingKeys(2000).map((key) => find(table, key))

  expect(found[0]).toBe(2)
  expect(found.at(-1)).toBeLessThan(0)
  expect(table.unknown.length).toBeLessThan(300)
  expect(find(table, 'b')).toBe(1)
})

test('an unknown key of more than 4,096 bytes is not remembered, a known one is found', () => {
  const key = 'k'.repeat(5000)
  const table = tableOf('a', key)
  expect(find(table, key)).toBe(1)
  expect(find(table, `${key}k`)).toBeLessThan(0)
  expect(table.unknown).toEqual([])
  expect(find(table, 'k'.repeat(4096))).toBe(2)
})
