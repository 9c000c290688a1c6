import { randomBytes } from 'node:crypto'
import type { Clock } from '../../seams/clock.ts'
import type { Entropy } from '../../seams/entropy.ts'
import { positiveInt64Of, uuidV4Of, uuidV7Of } from './uuid.ts'

/** The operating system's random numbers; `clock` gives the time in version 7 UUIDs. */
export function systemEntropy(clock: Clock): Entropy {
  return {
    uuid: () => uuidV4Of(randomBytes(16)),
    uuidV7: () => uuidV7Of(clock.now(), randomBytes(16)),
    int63: () => positiveInt64Of(randomBytes(8)),
  }
}
