import type { Clock } from '../../seams/clock.ts'
import type { HighWatermarks } from '../../seams/high-watermarks.ts'
import type { Journal } from '../../seams/journal.ts'
import { etcdClient, type EtcdMember, openMember } from './etcd-gateway.ts'
import { watermarkPrefix, WatermarkTable } from './watermark-table.ts'

export interface EtcdOptions {
  /** URLs of the members; one after the other is asked. */
  readonly endpoints: readonly string[]
  /** Asked at each login, since secrets are renewed while we run. */
  readonly user: () => { readonly name: string; readonly password: string } | null
  readonly clock: Clock
  readonly journal: Journal
}

/** How often the cluster is asked whether it is there: a connection may die without a sign. */
const probeMs = 10_000
const firstPauseMs = 1_000
const longestPauseMs = 10_000
/** A watch that held this long was a good one. */
const goodMs = 60_000
/** How long the first answer is waited for. */
const firstAnswerMs = 3_000

/**
 * KafScale's high watermarks, read once and then watched. While no member answers nothing is known, and that is said once; members are
 * tried again for as long as it takes. Resolves when the watermarks are there, or after a few seconds without them; never throws.
 */
export async function openEtcdWatermarks({ endpoints, user, clock, journal }: EtcdOptions): Promise<HighWatermarks> {
  const http = etcdClient()
  const closed = new AbortController()
  const first = Promise.withResolvers<void>()
  const table = new WatermarkTable((key) =>
    journal.warn('a high watermark in etcd is no offset: this topic-partition is found by listing', { key }),
  )
  let isLive = false
  let said: 'nothing' | 'watched' | 'lost' = 'nothing'

  function sayWatched(endpoint: string): void {
    isLive = true
    first.resolve()
    if (said !== 'watched') journal.info('high watermarks are watched in etcd', { endpoint, topicPartitions: table.size })
    said = 'watched'
  }

  function sayLost(error: unknown): void {
    first.resolve()
    if (said !== 'lost') {
      journal.warn('etcd does not tell high watermarks: topic-partitions are found by listing until it does', {
        endpoints,
        error: error instanceof Error ? error : new Error(String(error)),
      })
    }
    said = 'lost'
  }

  /** What the member has now takes the place of what was known; then what changes. Ends by throwing. */
  async function follow(member: EtcdMember, endpoint: string): Promise<void> {
    const { revision, pairs } = await member.range()
    table.replaceAll(pairs)
    const ended = new AbortController()
    const signal = AbortSignal.any([ended.signal, closed.signal])
    let dead: unknown = null
    const probing = probe(member, signal).catch((error: unknown) => {
      dead = error
      ended.abort()
    })
    try {
      for await (const changes of member.watch(revision + 1n, signal)) {
        if (!isLive) sayWatched(endpoint)
        for (const change of changes) table.take(change)
      }
    } catch (error) {
      throw dead ?? error
    } finally {
      isLive = false
      ended.abort()
      await probing
    }
  }

  async function probe(member: EtcdMember, signal: AbortSignal): Promise<void> {
    for (;;) {
      await clock.sleep(probeMs, signal)
      if (signal.aborted) return
      await member.probe()
    }
  }

  async function keepFollowing(): Promise<void> {
    for (let turn = 0, failures = 0; !closed.signal.aborted; turn++) {
      const endpoint = endpoints[turn % endpoints.length]
      const startedMs = clock.now()
      let reason: unknown
      try {
        await follow(await openMember(http, endpoint, watermarkPrefix, user()), endpoint)
      } catch (error) {
        reason = error
      }
      if (closed.signal.aborted) return
      failures = clock.now() - startedMs < goodMs ? failures + 1 : 0
      if (failures === 0 || failures % endpoints.length > 0) continue
      sayLost(reason)
      await clock.sleep(Math.min(firstPauseMs * 2 ** (failures / endpoints.length - 1), longestPauseMs), closed.signal)
    }
  }

  const following = keepFollowing()
  await Promise.race([first.promise, clock.sleep(firstAnswerMs, closed.signal)])
  return {
    nextOffset: (at) => (isLive ? table.nextOffset(at) : undefined),
    known: () => (isLive ? table.known() : null),
    onChange: (listener) => table.onChange(listener),
    async close() {
      closed.abort()
      await http.close()
      await following
    },
  }
}
