import { mkdir, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { seededRandom, type SeededRandom } from '../../src/drivers/entropy/seeded.ts'
import type { Codec } from '../../src/formats/kafka/codecs/inflate.ts'
import { sealBatch } from '../../src/formats/kafka/write.ts'
import { segmentKey } from '../../src/formats/kfs/segment-key.ts'
import { writeSegment } from '../../src/formats/kfs/write.ts'

/** A topic of order events; equal settings give equal bytes. */
export interface OrderTopic {
  readonly records: number
  /** A segment is closed before the batch that would not fit. */
  readonly maxSegmentBytes: number
  readonly recordsPerBatch?: number
  readonly seed?: number
  /** Of the first record. Default: 0. */
  readonly firstOffset?: number
  /** Of the batches. Default: none. */
  readonly codec?: Codec
}

export interface OrderSegment {
  readonly baseOffset: bigint
  readonly segment: Uint8Array
  readonly index: Uint8Array
}

/** What lies in a bucket after a topic was written to it. */
export interface OrderBucket {
  readonly records: number
  readonly segments: number
  readonly bytes: number
}

export const mebibyte = 1024 * 1024
/** The first event's time, ms. */
const startMs = Date.UTC(2024, 5, 7)
const segmentFrameBytes = 48

const currencies = ['USD', 'EUR', 'GBP', 'JPY', 'CHF', 'SEK', 'BRL']
const statuses = ['created', 'paid', 'packed', 'shipped', 'delivered', 'cancelled', 'refunded']
const places = [
  ['Berlin', 'DE'],
  ['München', 'DE'],
  ['Zürich', 'CH'],
  ['São Paulo', 'BR'],
  ['東京', 'JP'],
  ['New York', 'US'],
  ['Kraków', 'PL'],
  ['Lyon', 'FR'],
  ['Oslo', 'NO'],
  ['Cork', 'IE'],
].map(([city, country]) => ({ city: textOf(city), country }))
const tagNames = ['promo', 'vip', 'b2b', 'gift', 'express', 'eco', 'bulk', 'return', 'web', 'app']
const words =
  'please leave it with the porter if nobody opens fragile gift second attempt invoice follows by mail priority lane call before delivery'.split(
    ' ',
  )

/** The segments of partition 0, one after another: about 400 bytes of JSON a record, keys on most, a header on some. */
export function* orderSegments({
  records,
  maxSegmentBytes,
  recordsPerBatch = 500,
  seed = 1,
  firstOffset = 0,
  codec = 'none',
}: OrderTopic): Generator<OrderSegment, void, undefined> {
  const random = seededRandom(seed)
  const writer = new RecordWriter()
  const notes = Array.from({ length: 20_000 }, () => note(random))
  let batches: Uint8Array[] = []
  let bytes = segmentFrameBytes
  let segmentBase = firstOffset
  let timeMs = startMs
  const close = (): OrderSegment => {
    const baseOffset = BigInt(segmentBase)
    return { baseOffset, ...writeSegment({ baseOffset, batches, createdMs: timeMs }) }
  }
  const end = firstOffset + records
  for (let offset = firstOffset; offset < end;) {
    const count = Math.min(recordsPerBatch, end - offset)
    const baseMs = timeMs
    let lastMs = timeMs
    writer.clear()
    for (let delta = 0; delta < count; delta++) {
      const customer = 10_000_000_000 + random.below(5_000_000)
      const trace = random.chance(0.2) ? hex(random, 4) : null
      writer.write(
        timeMs - baseMs,
        delta,
        random.chance(0.05) ? null : String(customer),
        orderJson(random, random.pick(notes), offset + delta, customer, timeMs),
        trace,
      )
      lastMs = timeMs
      timeMs += random.below(4)
    }
    const batch = sealBatch({
      baseOffset: BigInt(offset),
      codec,
      lastOffsetDelta: count - 1,
      baseTimestampMs: BigInt(baseMs),
      maxTimestampMs: BigInt(lastMs),
      recordCount: count,
      recordBytes: writer.bytes,
    })
    if (batches.length > 0 && bytes + batch.length > maxSegmentBytes) {
      yield close()
      batches = []
      bytes = segmentFrameBytes
      segmentBase = offset
    }
    batches.push(batch)
    bytes += batch.length
    offset += count
  }
  if (batches.length > 0) yield close()
}

/** Writes a topic into a directory with the bucket's layout. Its files are an hour old, so that no grace age is waited for. */
export async function writeOrderTopic(directory: string, topic: string, orders: OrderTopic): Promise<OrderBucket> {
  const anHourAgo = new Date(Date.now() - 3_600_000)
  let segments = 0
  let bytes = 0
  for (const { baseOffset, segment, index } of orderSegments(orders)) {
    const key = (extension: 'kfs' | 'index') => join(directory, segmentKey('', { topic, partition: 0 }, baseOffset, extension))
    if (segments === 0) await mkdir(dirname(key('kfs')), { recursive: true })
    await writeFile(key('index'), index)
    await writeFile(key('kfs'), segment)
    await utimes(key('kfs'), anHourAgo, anHourAgo)
    await utimes(key('index'), anHourAgo, anHourAgo)
    segments++
    bytes += segment.length
  }
  return { records: orders.records, segments, bytes }
}

function orderJson(random: SeededRandom, text: Text, i: number, customer: number, timeMs: number): string {
  const form = random.chance(0.1) ? 'plain' : 'ascii'
  const { city, country } = random.pick(places)
  const tags = Array.from({ length: random.below(4) }, () => `"${random.pick(tagNames)}"`).join(',')
  const coupon = random.chance(0.7) ? `,"coupon":"C${digits(random.below(30_000), 5)}"` : random.chance(0.5) ? ',"coupon":null' : ''
  const discount = random.chance(0.5) ? `,"discount":${random.below(200) / 10}` : ''
  return (
    `{"order_id":"ord-${hex(random, 1)}${hex(random, 1).slice(4)}-${digits(i, 6)}","customer_id":${customer}` +
    `,"amount":${random.below(250_000) / 100},"tax":${random.below(3_000_000) / 10_000}` +
    `,"currency":"${random.pick(currencies)}","status":"${random.pick(statuses)}","created_at":"${new Date(timeMs).toISOString()}"` +
    `,"updated_ms":${timeMs + random.below(100_000)},"express":${random.chance(0.3)}` +
    `,"address":{"city":"${city[form]}","country":"${country}","zip":"${digits(random.below(99_999), 5)}"},"tags":[${tags}]${coupon}${discount}` +
    `,"note":"${text[form]}"}`
  )
}

/** Text with quotes and control characters in some, characters beyond ASCII in others, as JSON has it. */
function note(random: SeededRandom): Text {
  const text = Array.from({ length: 6 + random.below(10) }, () => random.pick(words)).join(' ')
  const kind = random.below(100)
  if (kind < 15) return textOf(`${text.replace(' ', ' \\"')}\\"\\nline two\\t`)
  return textOf(kind < 30 ? `${text} — grüße ✓ 😀` : text)
}

/** Text inside a JSON string, in UTF-8 and in ASCII, as many producers write it. */
interface Text {
  readonly plain: string
  readonly ascii: string
}

function textOf(plain: string): Text {
  return { plain, ascii: escaped(plain) }
}

function escaped(text: string): string {
  return text.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

function hex(random: SeededRandom, wordCount: number): string {
  let text = ''
  for (let i = 0; i < wordCount; i++) text += random.uint32().toString(16).padStart(8, '0')
  return text
}

function digits(value: number, length: number): string {
  return String(value).padStart(length, '0')
}

/** Records of one batch, written one after another into one buffer: a million of them take seconds. */
class RecordWriter {
  #buffer = Buffer.alloc(4 * mebibyte)
  #length = 0

  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length)
  }

  clear(): void {
    this.#length = 0
  }

  write(timestampDelta: number, offsetDelta: number, key: string | null, value: string, trace: string | null): void {
    const keyBytes = key?.length ?? 0
    const valueBytes = Buffer.byteLength(value)
    const headerBytes = trace === null ? 1 : 1 + 1 + traceKey.length + 1 + trace.length
    const body =
      1 +
      varintBytes(timestampDelta) +
      varintBytes(offsetDelta) +
      varintBytes(keyBytes) +
      keyBytes +
      varintBytes(valueBytes) +
      valueBytes +
      headerBytes
    if (this.#length + body + 8 > this.#buffer.length) this.#buffer = Buffer.concat([this.#buffer, Buffer.alloc(this.#buffer.length)])
    this.#varint(body)
    this.#buffer[this.#length++] = 0
    this.#varint(timestampDelta)
    this.#varint(offsetDelta)
    if (key === null) this.#varint(-1)
    else this.#text(key, keyBytes)
    this.#text(value, valueBytes)
    this.#varint(trace === null ? 0 : 1)
    if (trace === null) return
    this.#text(traceKey, traceKey.length)
    this.#text(trace, trace.length)
  }

  #text(text: string, bytes: number): void {
    this.#varint(bytes)
    this.#length += this.#buffer.write(text, this.#length, bytes === text.length ? 'latin1' : 'utf8')
  }

  /** Zigzag, for −1 and numbers below 2^30. */
  #varint(value: number): void {
    let rest = value < 0 ? 1 : value * 2
    for (; rest >= 0x80; rest >>>= 7) this.#buffer[this.#length++] = (rest & 0x7f) | 0x80
    this.#buffer[this.#length++] = rest
  }
}

const traceKey = 'trace-id'

function varintBytes(value: number): number {
  return value < 64 ? 1 : value < 8192 ? 2 : value < 1_048_576 ? 3 : 4
}
