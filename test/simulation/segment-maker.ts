import type { SeededRandom } from '../../src/drivers/entropy/seeded.ts'
import { crc32c } from '../../src/formats/bytes/crc32c.ts'
import { crcStart } from '../../src/formats/kafka/batch-header.ts'
import { codecs } from '../../src/formats/kafka/codecs/inflate.ts'
import { type NewRecord, writeBatch } from '../../src/formats/kafka/write.ts'
import { footerBytes, headerBytes } from '../../src/formats/kfs/layout.ts'
import { writeSegment } from '../../src/formats/kfs/write.ts'
import { control, type SegmentContent, type Written } from './model.ts'

/** One produce request's batch. */
interface BatchPlan {
  readonly baseOffset: bigint
  readonly isControl: boolean
  /** Offsets minus the base offset. */
  readonly deltas: readonly number[]
}

export interface MadeSegment {
  readonly segment: Uint8Array
  readonly index: Uint8Array
  readonly content: SegmentContent
  /** The writer's next offset: one past what it assigned, which is not all that the bytes hold where base offsets repeat. */
  readonly next: bigint
  /** What was made unusual about it. */
  readonly kinds: readonly ('control-batch' | 'base-offset-repeated')[]
}

export interface SegmentWish {
  readonly baseOffset: bigint
  readonly records: number
  readonly createdMs: number
  /** Told apart from everything else that was ever written at the same offsets. */
  readonly label: string
  /** `body`: the segment's CRC is wrong, so nothing of it can be read. `batch`: that of its last batch is. */
  readonly corrupt?: 'body' | 'batch'
}

/** Makes a segment of small batches with any codec; now and then with control batches and a batch whose base offset was not patched. */
export function makeSegment(random: SeededRandom, wish: SegmentWish): MadeSegment {
  const kinds: MadeSegment['kinds'][number][] = []
  const plans: BatchPlan[] = []
  let next = wish.baseOffset
  for (let left = wish.records; left > 0;) {
    const isControl = random.chance(0.06)
    const count = isControl ? 1 : Math.min(left, 1 + random.below(5))
    // Compaction and transactions leave holes within a batch.
    let delta = 0
    const deltas = Array.from({ length: count }, (_, i) => (i === 0 ? 0 : (delta += random.chance(0.03) ? 2 : 1)))
    plans.push({ baseOffset: next, isControl, deltas })
    if (isControl) kinds.push('control-batch')
    next += BigInt(delta + 1)
    left -= count
  }
  if (random.chance(0.05)) {
    plans.push({ baseOffset: 0n, isControl: false, deltas: Array.from({ length: 1 + random.below(6) }, (_, i) => i) })
    kinds.push('base-offset-repeated')
  }
  const batches = plans.map((plan, i) => batchOf(random, plan, i, wish))
  const made = writeSegment({ baseOffset: wish.baseOffset, createdMs: wish.createdMs, batches })
  if (wish.corrupt !== undefined) damage(made.segment, wish.corrupt, batches[batches.length - 1].length)
  const sound = wish.corrupt === 'body' ? [] : wish.corrupt === 'batch' ? plans.slice(0, -1) : plans
  return {
    ...made,
    next,
    kinds,
    content: { records: recordsOf(sound, wish), createdMs: wish.createdMs, faulty: wish.corrupt !== undefined },
  }
}

/** Spoils the CRC of the body, or that of the last batch alone. */
function damage(segment: Uint8Array, what: 'body' | 'batch', lastBatchBytes: number): void {
  const bodyEnd = segment.length - footerBytes
  if (what === 'body') segment[bodyEnd] ^= 0xff
  else {
    segment[bodyEnd - lastBatchBytes + crcStart - 1] ^= 0xff
    new DataView(segment.buffer, segment.byteOffset).setUint32(bodyEnd, crc32c(segment.subarray(headerBytes, bodyEnd)))
  }
}

/** The first record of each offset, none below the segment's base offset. */
function recordsOf(plans: readonly BatchPlan[], wish: SegmentWish): Map<bigint, Written> {
  const records = new Map<bigint, Written>()
  for (const [i, { baseOffset, isControl, deltas }] of plans.entries()) {
    for (const delta of deltas) {
      const offset = baseOffset + BigInt(delta)
      if (offset >= wish.baseOffset && !records.has(offset)) records.set(offset, isControl ? control : valueOf(wish, i, offset))
    }
  }
  return records
}

/** Says where it comes from; now and then there is a member more, which a sample of the first records may not show. */
function valueOf({ label }: SegmentWish, batch: number, offset: bigint): string {
  return `{"made":${JSON.stringify(`${label} ${batch}`)},"offset":${offset}${offset % 7n === 3n ? ',"more":true' : ''}}`
}

function batchOf(random: SeededRandom, { baseOffset, isControl, deltas }: BatchPlan, i: number, wish: SegmentWish): Uint8Array {
  const records = deltas.map((delta): NewRecord => ({
    timestampMs: BigInt(wish.createdMs + delta),
    key: isControl ? Uint8Array.of(0, 0, 0, 1) : random.chance(0.2) ? null : Buffer.from(`k${random.below(10)}`),
    value: Buffer.from(isControl ? '' : valueOf(wish, i, baseOffset + BigInt(delta))),
    headers: random.chance(0.1) ? [{ key: 'h', value: null }] : [],
    offsetDelta: delta,
  }))
  return writeBatch({ baseOffset, codec: random.pick(codecs), attributes: isControl ? 0x30 : 0, records })
}
