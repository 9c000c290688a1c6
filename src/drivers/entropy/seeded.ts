import type { Clock } from '../../seams/clock.ts'
import type { Entropy } from '../../seams/entropy.ts'
import { positiveInt64Of, uuidV4Of, uuidV7Of } from './uuid.ts'

/** Random numbers that follow from a seed, for simulations. Not for secrets. */
export interface SeededRandom {
  /** An integer in [0, 2³²). */
  uint32(): number
  /** An integer in [0, `end`), for `end` from 1 to 2³². */
  below(end: number): number
  /** True with this probability, 0 to 1. */
  chance(probability: number): boolean
  /** One of them. Throws a RangeError of an empty list. */
  pick<T>(from: readonly T[]): T
  /** Another generator that follows from this one's state: what it is asked for does not change what this one gives. */
  fork(): SeededRandom
}

/** xoshiro128** (Blackman and Vigna), its state filled from the seed by splitmix32. Any number is a seed; its low 32 bits count. */
export function seededRandom(seed: number): SeededRandom {
  const s = new Uint32Array(4)
  for (let i = 0, state = seed | 0; i < 4; i++) {
    state = (state + 0x9e3779b9) | 0
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad)
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97)
    s[i] = mixed ^ (mixed >>> 15)
  }

  function uint32(): number {
    const result = Math.imul(rotateLeft(Math.imul(s[1], 5), 7), 9) >>> 0
    const shifted = s[1] << 9
    s[2] ^= s[0]
    s[3] ^= s[1]
    s[1] ^= s[2]
    s[0] ^= s[3]
    s[2] ^= shifted
    s[3] = rotateLeft(s[3], 11)
    return result
  }

  const below = (end: number): number => Math.floor((uint32() / 2 ** 32) * end)
  return {
    uint32,
    below,
    chance: (probability) => uint32() / 2 ** 32 < probability,
    pick(from) {
      if (from.length === 0) throw new RangeError('there is nothing to pick from: the list is empty')
      return from[below(from.length)]
    },
    fork: () => seededRandom(uint32()),
  }
}

/** Entropy from a seeded generator; `clock` gives the time in version 7 UUIDs. */
export function seededEntropy(random: SeededRandom, clock: Clock): Entropy {
  const bytes = (count: number): Uint8Array => Uint8Array.from({ length: count }, () => random.uint32() >>> 24)
  return {
    uuid: () => uuidV4Of(bytes(16)),
    uuidV7: () => uuidV7Of(clock.now(), bytes(16)),
    int63: () => positiveInt64Of(bytes(8)),
  }
}

function rotateLeft(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by))
}
