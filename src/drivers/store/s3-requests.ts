import type { Clock } from '../../seams/clock.ts'
import type { Entropy } from '../../seams/entropy.ts'
import type { Meter } from '../../seams/meter.ts'
import { persist } from './retry.ts'
import type { S3Options } from './s3-client.ts'
import { judgeS3, s3Failure } from './s3-errors.ts'
import type { S3Question } from './s3-errors.ts'

/** What a store needs from outside. `meter` counts `store.s3.requests`, every attempt, and `store.s3.retries`. */
export interface S3Surroundings {
  readonly clock: Clock
  readonly entropy: Entropy
  readonly meter: Meter
}

/** Carries out one request with its body, repeats it where that helps, and throws what the seam promises. */
export type SendToS3 = <T>(
  question: S3Question,
  request: (signal: AbortSignal, attempt: number) => Promise<T>,
  signal?: AbortSignal,
) => Promise<T>

/** One attempt with its body takes no longer than this, however steadily the bytes trickle. */
const attemptLimitMs = 300_000

export function s3Sender(options: S3Options, { clock, entropy, meter }: S3Surroundings): SendToS3 {
  return async (question, request, signal) => {
    signal?.throwIfAborted()
    try {
      return await persist(
        (attempt) => {
          meter.add('store.s3.requests')
          if (attempt > 1) meter.add('store.s3.retries')
          return limited((limit) => request(limit, attempt), signal)
        },
        (error) => (signal?.aborted ? 'give-up' : judgeS3(error)),
        { clock, entropy },
        signal,
      )
    } catch (error) {
      signal?.throwIfAborted()
      throw s3Failure(error, question, options)
    }
  }
}

/** Runs `attempt` with a signal that aborts with the caller's or at the limit. Leaves no listener on the caller's, which may live for the whole process. */
async function limited<T>(attempt: (signal: AbortSignal) => Promise<T>, signal?: AbortSignal): Promise<T> {
  const controller = new AbortController()
  const abort = (): void => controller.abort()
  const timer = setTimeout(abort, attemptLimitMs)
  signal?.addEventListener('abort', abort)
  try {
    return await attempt(controller.signal)
  } catch (error) {
    if (!controller.signal.aborted) throw error
    throw Object.assign(new Error(`the attempt took longer than ${attemptLimitMs} ms`), { name: 'TimeoutError' })
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
  }
}
