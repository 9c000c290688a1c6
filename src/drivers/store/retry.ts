import type { Clock } from '../../seams/clock.ts'
import type { Entropy } from '../../seams/entropy.ts'

/** Whether a failed attempt is worth another, and after what kind of pause: `slowly` where the other side asks for less. */
export type Verdict = 'give-up' | 'soon' | 'slowly'

/** Bounds of one operation: how often it is tried, and after what time no further attempt begins. */
export const patience = { attempts: 6, totalMs: 120_000 } as const

const firstPauseMs = { soon: 100, slowly: 1000 } as const

/**
 * Repeats `operation` while `judge` finds its failure worth it, within `patience`; throws the last failure. Pauses double,
 * and half of each is drawn at random so that many requests which failed together do not come back together.
 */
export async function persist<T>(
  operation: (attempt: number) => Promise<T>,
  judge: (error: unknown) => Verdict,
  { clock, entropy }: { readonly clock: Clock; readonly entropy: Entropy },
  signal?: AbortSignal,
): Promise<T> {
  const startMs = clock.now()
  for (let attempt = 1; ; attempt++) {
    try {
      return await operation(attempt)
    } catch (error) {
      const verdict = judge(error)
      if (verdict === 'give-up' || attempt === patience.attempts) throw error
      const pauseMs = firstPauseMs[verdict] * 2 ** (attempt - 1) * (0.5 + fraction(entropy) / 2)
      if (clock.now() + pauseMs - startMs > patience.totalMs) throw error
      await clock.sleep(pauseMs, signal)
      signal?.throwIfAborted()
    }
  }
}

/** A number in [0, 1). */
function fraction(entropy: Entropy): number {
  return Number(entropy.int63() & 0xffff_ffffn) / 2 ** 32
}
