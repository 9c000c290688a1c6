import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { crc32c } from '../../../../src/formats/bytes/crc32c.ts'
import { inflate } from '../../../../src/formats/kafka/codecs/inflate.ts'
import { RecordFrames } from '../../../../src/formats/kafka/record-frames.ts'
import { decodeRecords } from '../../../../src/formats/kafka/records.ts'
import { sealBatch } from '../../../../src/formats/kafka/write.ts'
import { parseIndex } from '../../../../src/formats/kfs/index.ts'
import { frameSegment } from '../../../../src/formats/kfs/segment.ts'
import { writeSegment } from '../../../../src/formats/kfs/write.ts'
import type { Fault } from '../../../../src/model/failure.ts'
import { goldenBytes, goldenObjects, plainRecords } from './golden.ts'

const maxBatchBytes = 256 * 1024
/** One segment of each kind, and none so large that a run takes long. */
const segments = goldenObjects
  .filter((object) => object.size < 8000 || object.topic === 'g-none')
  .map((object) => ({ bytes: goldenBytes(object.key), baseOffset: BigInt(object.base_offset) }))
const indexes = goldenObjects.map((object) => goldenBytes(object.index_key))

/** A change to bytes, at a place given as a fraction of their length. */
type Mutation = (bytes: Uint8Array) => Uint8Array
const place = fc.noBias(fc.nat(999_999)).map((millionths) => millionths / 1_000_000)
const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.tuple(place, fc.integer({ min: 1, max: 255 })).map(([at, bits]): Mutation => (bytes) => {
    const changed = Uint8Array.from(bytes)
    changed[Math.floor(at * bytes.length)] ^= bits
    return changed
  }),
  fc
    .tuple(place, fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), fc.integer({ min: 1, max: 8 }))
    .map(([at, byte, length]): Mutation => (bytes) => {
      const start = Math.floor(at * bytes.length)
      return Uint8Array.from(bytes).fill(byte, start, start + length)
    }),
  place.map(
    (at): Mutation =>
      (bytes) =>
        bytes.slice(0, Math.floor(at * bytes.length)),
  ),
  fc.tuple(place, fc.uint8Array({ minLength: 1, maxLength: 20 })).map(([at, added]): Mutation => (bytes) => {
    const start = Math.floor(at * bytes.length)
    return Buffer.concat([bytes.subarray(0, start), added, bytes.subarray(start)])
  }),
  fc.tuple(place, fc.integer({ min: 1, max: 40 })).map(([at, length]): Mutation => (bytes) => {
    const start = Math.floor(at * bytes.length)
    return Buffer.concat([bytes.subarray(0, start), bytes.subarray(start + length)])
  }),
)
const mutations = fc.array(mutation, { minLength: 1, maxLength: 4 })

function mutated(bytes: Uint8Array, changes: readonly Mutation[]): Uint8Array {
  return changes.reduce((before, change) => change(before), bytes)
}

/**
 * Writes right CRCs for the body and for every batch that the lengths lead to, so that changes reach what lies below them.
 * With `stretch` a batch whose length leads nowhere gets the one that leads to the footer.
 */
function resealed(bytes: Uint8Array, stretch: boolean): Uint8Array {
  const sealed = Uint8Array.from(bytes)
  if (sealed.length < 48) return sealed
  const view = new DataView(sealed.buffer)
  const end = sealed.length - 16
  for (let at = 32; at + 61 <= end;) {
    let next = at + 12 + view.getInt32(at + 8)
    if (next < at + 61 || next + 61 > end) {
      if (stretch) view.setInt32(at + 8, end - at - 12)
      else if (next !== end) break
      next = end
    }
    view.setUint32(at + 17, crc32c(sealed.subarray(at + 21, next)))
    at = next
  }
  view.setUint32(end, crc32c(sealed.subarray(32, end)))
  view.setUint32(end + 12, 0x454e4421)
  return sealed
}

interface Reading {
  readonly faults: readonly Fault[]
  readonly records: number
}

/** Reads a segment as the program does, and checks on the way that everything it gives lies within its bounds. */
function read(bytes: Uint8Array, baseOffset: bigint): Reading {
  const frames = new RecordFrames()
  const frame = frameSegment(bytes, { baseOffset })
  const faults: Fault[] = frame.fault === null ? [] : [frame.fault]
  let records = 0
  for (const batch of frame.batches) {
    const fault = decodeRecords(bytes, batch, { maxBatchBytes }, frames)
    if (fault !== null) faults.push(fault)
    records += frames.count
    const bound = Math.max(maxBatchBytes, bytes.length)
    if (frames.bytes.length > bound || frames.count * 7 > bound) throw new Error('the bound was passed')
    if (frames.offsetDelta.length > Math.max(256, bound / 7) || frames.headerKeyStart.length > Math.max(256, bound)) {
      throw new Error('columns are longer than the bytes can fill')
    }
    // Each part that was found lies in its bytes, and offsets ascend.
    for (let i = 0; i < frames.count; i++) {
      if (frames.keyStart[i] + frames.keyLength[i] > frames.bytes.length) throw new Error('a key lies outside')
      if (frames.valueStart[i] + frames.valueLength[i] > frames.bytes.length) throw new Error('a value lies outside')
      if (i > 0 && frames.offsetDelta[i] <= frames.offsetDelta[i - 1]) throw new Error('offsets do not ascend')
    }
    for (let h = 0; h < frames.firstHeader[frames.count]; h++) {
      if (frames.headerKeyStart[h] + frames.headerKeyLength[h] > frames.bytes.length) throw new Error('a header lies outside')
      if (frames.headerValueStart[h] + frames.headerValueLength[h] > frames.bytes.length) throw new Error('a header lies outside')
    }
  }
  for (const fault of faults) {
    const known = ['crc', 'magic', 'length', 'malformed'].includes(fault.kind) && fault.offset >= 0n && fault.message !== ''
    if (!known || fault.position < 0 || fault.position > bytes.length) throw new Error(`a fault that is none: ${fault.message}`)
  }
  return { faults, records }
}

describe('a segment with bytes changed, cut, added or taken away', () => {
  test('is sound or a fault, never an exception, and nothing lies outside its bounds', () => {
    fc.assert(
      fc.property(fc.constantFrom(...segments), mutations, ({ bytes, baseOffset }, changes) => {
        const changed = mutated(bytes, changes)
        const { faults } = read(changed, baseOffset)
        // The header's and the footer's hints are covered by no CRC; everything else is.
        const onlyHints = Buffer.compare(changed.subarray(32, -12), bytes.subarray(32, -12)) === 0
        expect(faults.length > 0 || onlyHints).toBe(true)
      }),
      { numRuns: 3000 },
    )
  })

  test('is the same with its CRCs computed again, so that the layers below are reached', () => {
    const kinds = new Map<string, number>()
    fc.assert(
      fc.property(fc.constantFrom(...segments), mutations, fc.boolean(), ({ bytes, baseOffset }, changes, stretch) => {
        const { faults } = read(resealed(mutated(bytes, changes), stretch), baseOffset)
        for (const fault of faults) kinds.set(fault.kind, (kinds.get(fault.kind) ?? 0) + 1)
      }),
      { numRuns: 3000 },
    )
    expect(kinds.get('malformed')).toBeGreaterThan(600)
  })

  test('is the same when the records were changed before they were compressed', () => {
    const batches = segments.flatMap(({ bytes, baseOffset }) =>
      frameSegment(bytes, { baseOffset }).batches.map((batch) => {
        const records = bytes.subarray(batch.position + 61, batch.position + batch.length)
        return { ...batch, recordBytes: batch.codec === 'none' ? records : inflate(batch.codec, records, maxBatchBytes) }
      }),
    )
    let malformed = 0
    fc.assert(
      fc.property(fc.constantFrom(...batches), mutations, (batch, changes) => {
        const sealed = sealBatch({ ...batch, recordBytes: mutated(batch.recordBytes, changes) })
        const { segment } = writeSegment({ baseOffset: batch.baseOffset, batches: [sealed], createdMs: 0 })
        malformed += read(segment, batch.baseOffset).faults.length
      }),
      { numRuns: 2000 },
    )
    expect(malformed).toBeGreaterThan(1000)
  })
})

test('any bytes at all are a fault as a segment and as an index', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expect(read(bytes, 0n).faults).toHaveLength(1)
      expect(parseIndex(bytes).fault).not.toBeNull()
    }),
  )
})

test('an index with changes is sound or a fault, never an exception', () => {
  fc.assert(
    fc.property(fc.constantFrom(...indexes), mutations, (bytes, changes) => {
      const changed = mutated(bytes, changes)
      expect(parseIndex(changed).entries.length).toBeLessThanOrEqual(changed.length / 12)
    }),
  )
})

test('a sound segment stays sound after any number of faulty ones read with the same frames', () => {
  const frames = new RecordFrames()
  fc.assert(
    fc.property(fc.constantFrom(...segments), fc.constantFrom(...segments), mutations, (sound, other, changes) => {
      const bad = resealed(mutated(other.bytes, changes), true)
      for (const batch of frameSegment(bad, { baseOffset: other.baseOffset }).batches) decodeRecords(bad, batch, { maxBatchBytes }, frames)
      for (const batch of frameSegment(sound.bytes, { baseOffset: sound.baseOffset }).batches) {
        const fresh = new RecordFrames()
        expect(decodeRecords(sound.bytes, batch, { maxBatchBytes }, frames)).toBeNull()
        decodeRecords(sound.bytes, batch, { maxBatchBytes }, fresh)
        expect(plainRecords(batch, frames)).toEqual(plainRecords(batch, fresh))
      }
    }),
    { numRuns: 100 },
  )
})
