import { setTimeout as sleep } from 'node:timers/promises'
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import type { SeededRandom } from '../../src/drivers/entropy/seeded.ts'
import { codecs } from '../../src/formats/kafka/codecs/inflate.ts'
import { writeBatch } from '../../src/formats/kafka/write.ts'
import { segmentKey } from '../../src/formats/kfs/segment-key.ts'
import { writeSegment } from '../../src/formats/kfs/write.ts'
import { type TopicPartition, topicPartitionName } from '../../src/model/topic-partition.ts'

/** Rewriting a segment must end this long after it was first written, ms: later it may have been read, and is rightly reported. */
const rewriteMs = 1200

/** Null: a control record, which has no row. */
export type Expected = ReadonlyMap<string, string | null>

/**
 * Writes the segments of one topic-partition as a broker does, straight to the server: many small ones, some written again while they
 * are the newest, some that begin within the one before. It leaves no gap, so that everything must be in the table in the end.
 */
export class Producer {
  /** What must be in the table, by `topic/partition@offset`. */
  readonly expected = new Map<string, string | null>()
  readonly #at: TopicPartition
  readonly #random: SeededRandom
  readonly #client: S3Client
  readonly #place: { readonly bucket: string; readonly prefix: string }
  #next = 0n
  /** Records of the newest segment. */
  #newest = 0
  #made = 0

  constructor(at: TopicPartition, random: SeededRandom, client: S3Client, place: { readonly bucket: string; readonly prefix: string }) {
    this.#at = at
    this.#random = random
    this.#client = client
    this.#place = place
  }

  /** Writes segments one after another: history, where a table begins later. */
  async writeAtOnce(segments: number): Promise<void> {
    for (let i = 0; i < segments; i++) await this.#flush(0n)
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const dice = this.#random.below(100)
      if (dice < 15) await this.#flushTwice()
      else await this.#flush(dice < 30 && this.#newest > 2 ? BigInt(1 + this.#random.below(this.#newest - 2)) : 0n)
      await sleep(100 + this.#random.below(500))
    }
  }

  /** Begins `behind` offsets within the newest segment: what that one has stays. */
  async #flush(behind: bigint): Promise<void> {
    const base = this.#next - behind
    const records = Number(behind) + 2 + this.#random.below(12)
    const made = this.#make(base, records)
    while (!(await this.#put(base, made))) await sleep(300)
    this.#note(made, this.#next)
    this.#next = base + BigInt(records)
    this.#newest = records
  }

  async #flushTwice(): Promise<void> {
    const base = this.#next
    const startedMs = Date.now()
    const first = this.#make(base, 2 + this.#random.below(6))
    while (!(await this.#put(base, first))) await sleep(300)
    let last = first
    await sleep(this.#random.below(rewriteMs / 2))
    if (Date.now() - startedMs < rewriteMs) {
      const second = this.#make(base, first.values.length + this.#random.below(6))
      // Only what has begun is finished: a segment of which one object is new and one old would stand there else.
      while (!(await this.#put(base, second))) await sleep(50)
      last = second
    }
    this.#note(last, base)
    this.#next = base + BigInt(last.values.length)
    this.#newest = last.values.length
  }

  #make(base: bigint, records: number) {
    const label = `${topicPartitionName(this.#at)} ${this.#made++}`
    const isControl = this.#random.chance(0.05)
    const values = Array.from({ length: records }, (_, i) => (isControl && i === records - 1 ? null : `${label} @${base + BigInt(i)}`))
    const timestampMs = BigInt(Date.now())
    const rows = values.filter((value) => value !== null)
    const record = (value: string) => ({ timestampMs, key: null, value: Buffer.from(value), headers: [] })
    const batches = [writeBatch({ baseOffset: base, codec: this.#random.pick(codecs), records: rows.map(record) })]
    if (isControl) {
      const marker = { timestampMs, key: Uint8Array.of(0, 0, 0, 1), value: new Uint8Array(6), headers: [] }
      batches.push(writeBatch({ baseOffset: base + BigInt(rows.length), codec: 'none', attributes: 0x30, records: [marker] }))
    }
    return { base, values, ...writeSegment({ baseOffset: base, createdMs: Number(timestampMs), batches }) }
  }

  #note({ base, values }: { base: bigint; values: readonly (string | null)[] }, from: bigint): void {
    for (const [i, value] of values.entries()) {
      const offset = base + BigInt(i)
      if (offset >= from) this.expected.set(`${topicPartitionName(this.#at)}@${offset}`, value)
    }
  }

  /** Both objects at the same time. Resolves with whether both are there. */
  async #put(base: bigint, { segment, index }: { segment: Uint8Array; index: Uint8Array }): Promise<boolean> {
    const { bucket, prefix } = this.#place
    const put = (extension: 'kfs' | 'index', Body: Uint8Array) =>
      this.#client.send(new PutObjectCommand({ Bucket: bucket, Key: segmentKey(prefix, this.#at, base, extension), Body }))
    const done = await Promise.allSettled([put('kfs', segment), put('index', index)])
    return done.every(({ status }) => status === 'fulfilled')
  }
}
