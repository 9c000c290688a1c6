import { WorkError } from '../model/failure.ts'
import type { Trouble } from '../model/health.ts'

/** Hands tasks to whoever is free. A cache: everything in it can be lost and made again from the table and the bucket. Drivers: in process, BullMQ. */
export interface TaskQueue<Payload, Result> {
  /**
   * Offers a task; resolves with what a worker made of it, rejects with the WorkError that it failed with, or with TaskSetAside. An id
   * that is open already is the same task. Of tasks that wait, the one with the lowest `priority` is carried out first.
   */
  submit(id: string, payload: Payload, priority?: number): Promise<Result>
  /** Whoever submitted the task is done with its result, which need not be kept for a later one who submits the same task. */
  forget(id: string): void
  /**
   * Gives a task back, whose promise then never settles: true. False: it is being carried out in this process and shall be waited for,
   * or is not there. What another process carries out is finished there, and kept for a while for whoever submits the same task.
   */
  withdraw(id: string): Promise<boolean>
  /**
   * The next task, when there is one; null once `signal` aborts. `accepts` is asked of each task just before it would be handed over, which it is
   * where the answer is true; else it stays, for others or for later. Absent: any.
   */
  claim(signal: AbortSignal, accepts?: (payload: Payload) => boolean): Promise<Claim<Payload, Result> | null>
  /** How many tasks are offered and not claimed, as far as this process knows. */
  readonly depth: number
  /** Why others can not be reached through it now; null where they can. Absent: it is within this process. */
  readonly trouble?: Trouble | null
}

export interface Claim<Payload, Result> {
  readonly id: string
  readonly payload: Payload
  complete(result: Result): void
  /** A WorkError is the task's outcome. Anything else counts as a try: the task is handed out again, `maxTries` times in all. */
  fail(error: unknown): void
}

/** How often a task that ends unexpectedly, or takes its worker with it, is tried before it is set aside. */
export const maxTries = 3

/** Bands of priorities: within one, a task's place is the number of open tasks that its table has already, so that no table starves another. */
export const priorityBands = { tail: 1, backfill: 500_000, upkeep: 1_000_000 } as const

/** A task that failed unexpectedly as often as a task may. The message says how, the last time. */
export class TaskSetAside extends WorkError {
  constructor(reason: string) {
    super(`set aside after ${maxTries} tries: ${reason}`, { retry: 'never' })
  }
}

/** What comes from another process is of a later version of this program; nothing was done with it. */
export class NewerVersion extends WorkError {
  constructor(what: string, version: number, known: number) {
    super(`${what} has version ${version}, and this program reads versions up to ${known}; run the newer program here too`, {
      retry: 'later',
    })
  }
}

/** How tasks, results and errors travel between processes: as values of JSON. */
export interface TaskCodec<Payload, Result> {
  encodePayload(payload: Payload): object
  /** Throws NewerVersion, or an Error that names the field that is not as expected. */
  decodePayload(value: unknown): Payload
  /** `asked`: the payload as it came, in whose version it is answered. */
  encodeResult(result: Result, asked: unknown): object
  /** What was made of `payload`. Throws as `decodePayload` does. */
  decodeResult(value: unknown, payload: Payload): Result
  /** An expected failure, in the version of `asked`; null where the error is none. */
  encodeFailure(error: unknown, asked: unknown): object | null
  decodeFailure(value: unknown): WorkError
}
