import { describe, expect, test } from 'vitest'
import { virtualClock } from '../../../../src/drivers/clock/virtual.ts'
import { seededEntropy, seededRandom } from '../../../../src/drivers/entropy/seeded.ts'
import { systemEntropy } from '../../../../src/drivers/entropy/system.ts'
import { positiveInt64Of } from '../../../../src/drivers/entropy/uuid.ts'
import type { Entropy } from '../../../../src/seams/entropy.ts'

const atMs = 0x0199_1234_5678
const kinds: [string, () => Entropy][] = [
  ['system', () => systemEntropy(virtualClock(atMs))],
  ['seeded', () => seededEntropy(seededRandom(42), virtualClock(atMs))],
]

describe.each(kinds)('%s entropy', (_, open) => {
  test('gives UUIDs of versions 4 and 7, with variant 10 (RFC 9562)', () => {
    const entropy = open()
    for (let i = 0; i < 200; i++) {
      expect(entropy.uuid()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
      expect(entropy.uuidV7()).toMatch(/^01991234-5678-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    }
  })

  test('gives positive int64 numbers that use their 63 bits, and repeats nothing', () => {
    const entropy = open()
    const numbers = Array.from({ length: 500 }, () => entropy.int63())
    expect(numbers.every((number) => number > 0n && number < 2n ** 63n)).toBe(true)
    expect(numbers.some((number) => number >= 2n ** 62n)).toBe(true)
    expect(new Set([...numbers, ...Array.from({ length: 500 }, () => entropy.uuid())]).size).toBe(1000)
  })
})

test('no int63 is zero', () => {
  expect(positiveInt64Of(new Uint8Array(8))).toBe(1n)
  expect(positiveInt64Of(new Uint8Array(8).fill(255))).toBe(2n ** 63n - 1n)
})

function draw(seed: number): number[] {
  const random = seededRandom(seed)
  return Array.from({ length: 8 }, () => random.uint32())
}

describe('the seeded generator', () => {
  test('repeats itself from a seed, and differs between seeds', () => {
    expect(draw(7)).toEqual(draw(7))
    expect(new Set([0, 1, 2, -1, 2 ** 31].flatMap(draw)).size).toBe(40)
  })

  test('follows xoshiro128**: the numbers of seed 1 never change', () => {
    expect(draw(1).slice(0, 4)).toEqual([393_288_148, 2_174_103_013, 3_814_759_091, 2_092_745_082])
  })

  test('spreads evenly', () => {
    const random = seededRandom(5)
    const counts = Array<number>(10).fill(0)
    let hits = 0
    for (let i = 0; i < 20_000; i++) {
      counts[random.below(10)]++
      if (random.chance(0.25)) hits++
    }
    for (const count of counts) expect(Math.abs(count - 2000)).toBeLessThan(200)
    expect(Math.abs(hits - 5000)).toBeLessThan(300)
    expect([random.chance(0), random.chance(1), random.below(1)]).toEqual([false, true, 0])
  })

  test('a fork goes its own way', () => {
    const parent = seededRandom(9)
    const fork = parent.fork()
    const alone = seededRandom(9)
    alone.fork()
    fork.uint32()
    expect(parent.uint32()).toBe(alone.uint32())
    expect(parent.pick(['only'])).toBe('only')
    expect(() => parent.pick([])).toThrow(RangeError)
  })
})
