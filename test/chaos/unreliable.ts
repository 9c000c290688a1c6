import { setTimeout as sleep } from 'node:timers/promises'
import type { SeededRandom } from '../../src/drivers/entropy/seeded.ts'
import { type FaultProxy, faultProxy, type ProxyAnswer, type SeenRequest } from '../integration/proxy.ts'
import type { RequestFault } from './faults.ts'

/** A server behind a proxy that spoils requests while it is told to. */
export interface UnreliableServer {
  readonly url: string
  /** Spoils requests in this way, half of those that it fits, from now on; null: none. */
  fault: RequestFault | null
  /** Requests that were spoiled so far. */
  readonly struck: number
  /** The same, by how they were. */
  readonly struckBy: Readonly<Record<RequestFault, number>>
  close(): Promise<void>
}

/** Puts a proxy in front of the server at `target`. */
export async function unreliable(target: string, random: SeededRandom): Promise<UnreliableServer> {
  let fault: RequestFault | null = null
  const struckBy: Record<RequestFault, number> = { cut: 0, 'answer-lost': 0, delayed: 0, truncated: 0, '500': 0, '503': 0, '429': 0 }
  const proxy: FaultProxy = await faultProxy(target, async (request, forward) => {
    if (fault === null || !fits(fault, request) || !random.chance(0.5)) return forward()
    struckBy[fault]++
    return spoil(fault, forward, random)
  })
  return {
    url: proxy.url,
    get fault() {
      return fault
    },
    set fault(next) {
      fault = next
    },
    struckBy,
    get struck() {
      return Object.values(struckBy).reduce((sum, times) => sum + times)
    },
    close: () => proxy.close(),
  }
}

/** An answer is worth losing where it tells of a change, and worth truncating where there is one. */
function fits(fault: RequestFault, { method }: SeenRequest): boolean {
  if (fault === 'answer-lost') return method === 'POST' || method === 'PUT'
  return fault !== 'truncated' || method === 'GET' || method === 'POST'
}

async function spoil(fault: RequestFault, forward: () => Promise<ProxyAnswer>, random: SeededRandom): Promise<ProxyAnswer | null> {
  switch (fault) {
    case 'cut':
      return null
    case 'answer-lost':
      await forward()
      return null
    case 'delayed':
      await sleep(500 + random.below(4000))
      return forward()
    case 'truncated': {
      const answer = await forward()
      return { ...answer, cutAfter: Math.floor(Buffer.from(answer.body ?? '').length / 2) }
    }
    case '500':
      // What says that it failed may have been done.
      if (random.chance(0.5)) await forward()
      return { status: 500 }
    case '503':
    case '429':
      return { status: Number(fault), headers: { 'retry-after': '1' } }
  }
}
