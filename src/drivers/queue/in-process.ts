import { WorkError } from '../../model/failure.ts'
import { type Claim, maxTries, type TaskQueue, TaskSetAside } from '../../seams/task-queue.ts'

interface Offer<Payload, Result> {
  readonly id: string
  readonly payload: Payload
  readonly priority: number
  readonly settle: PromiseWithResolvers<Result>
  tries: number
}

/** Who waits for a task. */
interface Waiting<Payload, Result> {
  accepts(payload: Payload): boolean
  resolve(offer: Offer<Payload, Result> | null): void
}

/** A queue within this process: by priority, then first in, first out; one claim a task. */
export function inProcessQueue<Payload, Result>(): TaskQueue<Payload, Result> {
  const offered: Offer<Payload, Result>[] = []
  const open = new Map<string, Promise<Result>>()
  const waiting: Waiting<Payload, Result>[] = []

  function offerTo(offer: Offer<Payload, Result>): void {
    const taker = waiting.findIndex(({ accepts }) => accepts(offer.payload))
    if (taker >= 0) return waiting.splice(taker, 1)[0].resolve(offer)
    const behind = offered.findIndex(({ priority }) => priority > offer.priority)
    offered.splice(behind < 0 ? offered.length : behind, 0, offer)
  }

  function claimOf(offer: Offer<Payload, Result>): Claim<Payload, Result> {
    return {
      id: offer.id,
      payload: offer.payload,
      complete: offer.settle.resolve,
      fail(error) {
        if (error instanceof WorkError) offer.settle.reject(error)
        else if (++offer.tries >= maxTries) offer.settle.reject(new TaskSetAside(String(error)))
        else offerTo(offer)
      },
    }
  }

  return {
    get depth() {
      return offered.length
    },
    submit(id, payload, priority = 0) {
      const known = open.get(id)
      if (known !== undefined) return known
      const offer = { id, payload, priority, settle: Promise.withResolvers<Result>(), tries: 0 }
      const done = offer.settle.promise.finally(() => open.delete(id))
      open.set(id, done)
      offerTo(offer)
      return done
    },
    forget: () => undefined,
    async withdraw(id) {
      const at = offered.findIndex((offer) => offer.id === id)
      if (at < 0) return false
      offered.splice(at, 1)
      open.delete(id)
      return true
    },
    async claim(signal, accepts = () => true) {
      if (signal.aborted) return null
      const ready = offered.findIndex(({ payload }) => accepts(payload))
      if (ready >= 0) return claimOf(offered.splice(ready, 1)[0])
      const { promise, resolve } = Promise.withResolvers<Offer<Payload, Result> | null>()
      const leave = () => {
        const place = waiting.indexOf(own)
        // Whoever was handed a task in this very moment waits no more, and takes it.
        if (place >= 0) waiting.splice(place, 1)
        resolve(null)
      }
      const own = { accepts, resolve }
      waiting.push(own)
      signal.addEventListener('abort', leave, { once: true })
      const offer = await promise
      signal.removeEventListener('abort', leave)
      return offer === null ? null : claimOf(offer)
    },
  }
}
