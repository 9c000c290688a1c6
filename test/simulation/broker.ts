import type { SeededRandom } from '../../src/drivers/entropy/seeded.ts'
import { segmentKey, type SegmentExtension } from '../../src/formats/kfs/segment-key.ts'
import { type TopicPartition, topicPartitionName } from '../../src/model/topic-partition.ts'
import type { Clock } from '../../src/seams/clock.ts'
import type { WarehouseStore } from '../../src/seams/object-store.ts'
import type { EventLog } from './event-log.ts'
import type { FaultCounts } from './faults.ts'
import type { Listings } from './listings.ts'
import type { SourceModel } from './model.ts'
import { makeSegment, type SegmentWish } from './segment-maker.ts'

export interface BrokerSurroundings {
  readonly store: WarehouseStore
  readonly clock: Clock
  readonly log: EventLog
  readonly faults: FaultCounts
  readonly model: SourceModel
  readonly prefix: string
  readonly graceMs: number
  readonly flushEveryMs: number
  /** When the first processes start, ms. */
  readonly fleetStartsMs: number
  /** As the settings have it. */
  readonly provokes: boolean
  readonly listings: Listings
}

/** The writer of one topic-partition, with all that was seen of the real one (facts of the segment's format, 1 to 8). */
export class Broker {
  readonly #at: TopicPartition
  readonly #isMild: boolean
  readonly #random: SeededRandom
  readonly #around: BrokerSurroundings
  /** What stands in the bucket, in the order of writing. */
  readonly #standing: { base: bigint; atMs: number }[] = []
  /** Requests that nobody waits for any more and that may still land. */
  readonly #underWay = new Set<Promise<void>>()
  #next: bigint
  #made = 0
  /** Whether the segment was written at which whoever starts now may begin. */
  #hasBegun = false
  #incarnation = 1
  #restart: PromiseWithResolvers<void> | null = null

  /** `isMild`: it never writes a segment again, nor deletes one. */
  constructor(at: TopicPartition, firstOffset: bigint, isMild: boolean, random: SeededRandom, around: BrokerSurroundings) {
    this.#at = at
    this.#isMild = isMild
    this.#next = firstOffset
    this.#random = random
    this.#around = around
  }

  /** Writes until the time has come, then waits for what is under way and mends what is damaged. */
  async run(untilMs: number): Promise<void> {
    const { clock, flushEveryMs } = this.#around
    const random = this.#random
    while (clock.now() < untilMs) {
      await clock.sleep(random.below(2 * flushEveryMs))
      if (this.#isStarting()) await this.#rewriteNewest(30_000 + this.#random.below(120_000))
      else if (this.#restart === null) await this.#act()
      else await this.#beginAgain(this.#restart)
    }
    this.#restart?.resolve()
    while (this.#underWay.size > 0) await Promise.all(this.#underWay)
  }

  /** Has the log deleted and made anew, from offset 0; resolves when its first segment stands. */
  restart(): Promise<void> {
    this.#restart = Promise.withResolvers()
    return this.#restart.promise
  }

  async #beginAgain({ resolve }: PromiseWithResolvers<void>): Promise<void> {
    const { store, clock, model, prefix, log } = this.#around
    this.#restart = null
    while (this.#underWay.size > 0) await Promise.all(this.#underWay)
    for (const { base } of this.#standing.splice(0)) {
      for (const extension of ['kfs', 'index'] as const) {
        await store.remove(segmentKey(prefix, this.#at, base, extension))
        model.removed(this.#name, base, extension, clock.now())
      }
    }
    log.add(this.#name, 'is deleted')
    model.restarted.add(this.#name)
    await clock.sleep(20_000 + this.#random.below(this.#around.provokes ? 20_000 : 200_000))
    this.#note('log-restarted')
    this.#incarnation++
    this.#next = 0n
    await this.#flush()
    resolve()
  }

  /** Whether what is written now is the newest while the first processes start: of some logs it is written again, when a start stands behind it. */
  #isStarting(): boolean {
    const { clock, fleetStartsMs } = this.#around
    if (this.#hasBegun || this.#isMild || clock.now() < fleetStartsMs) return false
    this.#hasBegun = true
    return this.#random.chance(0.5)
  }

  async #act(): Promise<void> {
    const random = this.#random
    if (this.#around.provokes && !this.#isMild && random.chance(0.3)) return this.#provoke()
    const dice = this.#isMild ? random.pick([0, 0, 0, 50, 72, 77, 89, 97]) : random.below(100)
    if (dice < 50) return this.#flush()
    if (dice < 56) return this.#skipOffsets()
    if (dice < 66) return this.#rewriteNewest()
    if (dice < 72) return this.#handOver()
    if (dice < 77) return this.#flushWithoutIndex()
    if (dice < 82) return this.#flushWithLateIndex()
    if (dice < 85) return this.#landLate()
    // A log that begins with a younger segment looks restarted once more.
    if (dice < 89) return this.#incarnation > 1 ? this.#flush() : this.#flushCorrupt()
    if (dice < 93) return this.#putForeignObject()
    if (dice < 97) return this.#incarnation > 1 ? this.#flush() : this.#expireOldest()
    // A burst: many tiny segments.
    for (let i = 0; i < 4; i++) await this.#flush()
  }

  /** Both objects at the same time, each with its own delay. */
  async #flush(): Promise<void> {
    this.#next = await this.#put(this.#wish(this.#next))
  }

  async #skipOffsets(): Promise<void> {
    this.#note('gap')
    this.#next += BigInt(1 + this.#random.below(12))
    await this.#flush()
  }

  /** After a failed answer the same key is written again, with what is in the buffer by then. */
  async #rewriteNewest(afterMs = 0): Promise<void> {
    const { clock, graceMs } = this.#around
    const random = this.#random
    const base = this.#next
    const first = this.#wish(base)
    const firstEnd = await this.#put(first)
    await clock.sleep(afterMs + random.below(random.chance(0.5) ? graceMs : 4 * graceMs))
    let end = await this.#put(this.#wish(base))
    this.#note('segment-rewritten')
    if (random.chance(0.4)) {
      // Nobody may have read what stood there for less than the grace age.
      await clock.sleep(random.below(graceMs))
      end = await this.#put(this.#wish(base))
      this.#note('segment-rewritten-twice')
    }
    if (end < firstEnd) this.#note('segment-rewritten-shorter')
    if (end > firstEnd) this.#note('segment-rewritten-longer')
    this.#next = end
  }

  #provoke(): Promise<void> {
    const { clock, fleetStartsMs } = this.#around
    const dice = this.#random.below(4)
    // Before anybody lists, what is written is history.
    if (dice > 1 || clock.now() < fleetStartsMs) return this.#flushOver()
    return dice === 0 ? this.#rewriteWhenListed() : this.#landBeforeProof()
  }

  /** Written again once it was listed as old enough, and once more before anybody may have read that. */
  async #rewriteWhenListed(): Promise<void> {
    const { clock, graceMs, listings, prefix } = this.#around
    const base = this.#next
    await this.#put(this.#wish(base))
    await clock.sleep(graceMs + 1000)
    await Promise.race([listings.next(`${prefix}${this.#at.topic}/${this.#at.partition}/`), clock.sleep(90_000)])
    await this.#put(this.#wish(base), true)
    this.#note('segment-rewritten')
    await clock.sleep(this.#random.below(graceMs))
    this.#next = await this.#put(this.#wish(base), true)
    this.#note('segment-rewritten-twice')
  }

  /** Lands when others stand behind it, none of which is old enough to prove that it will not. */
  async #landBeforeProof(): Promise<void> {
    const { clock, graceMs } = this.#around
    await this.#flush()
    this.#note('segment-landed-late')
    const wish = this.#wish(this.#next)
    const made = this.#make(wish)
    this.#next = made.next
    this.#leave(clock.sleep(this.#random.below(graceMs)).then(() => this.#putMade(wish.baseOffset, made)))
    for (let i = 0; i < 2; i++) this.#next = await this.#put(this.#wish(this.#next), true)
  }

  /** Begins within the segment before. */
  async #flushOver(): Promise<void> {
    this.#note('two-owners')
    const behind = BigInt(1 + this.#random.below(5))
    const next = await this.#put(this.#wish(this.#next > behind + 10n ? this.#next - behind : this.#next))
    if (next > this.#next) this.#next = next
  }

  /** Two owners write for a while, each from its own idea of the next offset; the new one goes on. */
  async #handOver(): Promise<void> {
    const { clock } = this.#around
    const random = this.#random
    this.#note('two-owners')
    const own = async (next: bigint, segments: number): Promise<bigint> => {
      for (let i = 0; i < segments; i++) {
        next = await this.#put(this.#wish(next))
        await clock.sleep(random.below(3000))
      }
      return next
    }
    const behind = BigInt(random.below(6))
    const start = this.#next > behind + 10n ? this.#next - behind : this.#next
    const [, next] = await Promise.all([own(this.#next, 1 + random.below(3)), own(start, 1 + random.below(3))])
    this.#next = next
  }

  async #flushWithoutIndex(): Promise<void> {
    this.#note('segment-without-index')
    const made = this.#make(this.#wish(this.#next))
    await this.#land(this.#next, 'kfs', made)
    this.#next = made.next
  }

  async #flushWithLateIndex(): Promise<void> {
    const { clock, graceMs } = this.#around
    this.#note('index-late')
    const base = this.#next
    const made = this.#make(this.#wish(base))
    await this.#land(base, 'kfs', made)
    this.#next = made.next
    this.#leave(clock.sleep(this.#random.below(3 * graceMs)).then(() => this.#land(base, 'index', made)))
  }

  /** A request given up that the store still carries out, when later segments stand there already. */
  async #landLate(): Promise<void> {
    const { clock } = this.#around
    this.#note('segment-landed-late')
    const wish = this.#wish(this.#next)
    const made = this.#make(wish)
    this.#next = made.next
    this.#leave(clock.sleep(this.#random.below(60_000)).then(() => this.#putMade(wish.baseOffset, made)))
    await this.#flush()
  }

  /** Damaged bytes, and sound ones at the same key some time later: until then the topic-partition must stand still there. */
  async #flushCorrupt(): Promise<void> {
    const { clock } = this.#around
    const random = this.#random
    this.#note('segment-corrupt')
    const base = this.#next
    const wish = this.#wish(base)
    this.#next = await this.#put({ ...wish, corrupt: random.pick(['body', 'batch']) })
    this.#leave(
      clock.sleep(5000 + random.below(120_000)).then(async () => {
        await this.#put({ ...this.#wish(base), records: wish.records })
        this.#note('segment-mended')
      }),
    )
  }

  async #putForeignObject(): Promise<void> {
    const { store, prefix } = this.#around
    const { topic, partition } = this.#at
    const own = `${prefix}${topic}/${partition}/`
    const key = this.#random.pick([
      `${prefix}${topic}/lfs/2026/01/02/obj-${this.#random.uint32()}`,
      `${own}segment-${this.#next.toString().padStart(20, '0')}.kfst`,
      `${own}segment-12.kfs`,
      `${own}notes.txt`,
      `${prefix}__health/${topic}`,
      `${prefix}manifest.json`,
    ])
    this.#note('foreign-object')
    this.#around.log.add(this.#name, `put ${key}`)
    await store.put(key, [Buffer.from('foreign')])
  }

  /** A lifecycle rule deletes what is old, object by object. */
  async #expireOldest(): Promise<void> {
    const { store, clock, model, prefix, log } = this.#around
    const random = this.#random
    const old = this.#standing.filter(({ atMs }) => clock.now() - atMs > 180_000)
    if (old.length === 0) return
    const { base } = old[random.below(Math.min(old.length, 3))]
    this.#standing.splice(
      this.#standing.findIndex((any) => any.base === base),
      1,
    )
    this.#note('segment-vanished')
    for (const extension of random.chance(0.5) ? (['kfs', 'index'] as const) : (['index', 'kfs'] as const)) {
      const key = segmentKey(prefix, this.#at, base, extension)
      log.add(this.#name, `expired ${key}`)
      await store.remove(key)
      model.removed(this.#name, base, extension, clock.now())
      await clock.sleep(random.below(20_000))
    }
  }

  #wish(baseOffset: bigint): SegmentWish {
    return {
      baseOffset,
      records: 1 + this.#random.below(9),
      createdMs: Math.floor(this.#around.clock.now()),
      label: `${this.#name} ${this.#made++}`,
    }
  }

  #make(wish: SegmentWish) {
    const made = makeSegment(this.#random, wish)
    for (const kind of made.kinds) this.#note(kind)
    return made
  }

  /** Returns the writer's next offset. */
  async #put(wish: SegmentWish, soon = false): Promise<bigint> {
    const made = this.#make(wish)
    await this.#putMade(wish.baseOffset, made, soon)
    return made.next
  }

  async #putMade(base: bigint, made: ReturnType<typeof makeSegment>, soon = false): Promise<void> {
    await Promise.all([this.#land(base, 'kfs', made, soon), this.#land(base, 'index', made, soon)])
  }

  async #land(base: bigint, extension: SegmentExtension, made: ReturnType<typeof makeSegment>, soon = false): Promise<void> {
    const { store, clock, model, prefix, log } = this.#around
    const key = segmentKey(prefix, this.#at, base, extension)
    await clock.sleep(soon ? 1 + this.#random.below(20) : 5 + this.#random.below(this.#random.chance(0.1) ? 8000 : 300))
    await store.put(key, [extension === 'kfs' ? made.segment : made.index])
    if (extension === 'kfs') model.segmentPut(this.#name, base, made.content, clock.now())
    else model.indexPut(this.#name, base, clock.now())
    if (!this.#standing.some((any) => any.base === base)) this.#standing.push({ base, atMs: clock.now() })
    log.add(this.#name, `put ${key}, ${made.content.records.size} offsets${made.content.faulty ? ', damaged' : ''}`)
  }

  #leave(work: Promise<void>): void {
    this.#underWay.add(work)
    void work.finally(() => this.#underWay.delete(work))
  }

  get #name(): string {
    return `${topicPartitionName(this.#at)}${this.#incarnation === 1 ? '' : `#${this.#incarnation}`}`
  }

  #note(kind: Parameters<FaultCounts['add']>[0]): void {
    this.#around.faults.add(kind)
  }
}
