import { constants, deflateRawSync, gzipSync, zstdCompressSync } from 'node:zlib'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CodecError } from '../../../../../src/formats/kafka/codecs/codec-error.ts'
import { deflate } from '../../../../../src/formats/kafka/codecs/deflate.ts'
import { codecs, inflate } from '../../../../../src/formats/kafka/codecs/inflate.ts'
import { lz4Frame, snappyRaw, snappyXerial, uint32, xerialHeader } from './lz77.ts'
import { fixture, plainText } from './plain-text.ts'

const compressing = codecs.filter((codec) => codec !== 'none')
const ample = 64 * 1024 * 1024
const skippable = Buffer.concat([Uint8Array.of(0x5e, 0x2a, 0x4d, 0x18), uint32(3, 'little'), Buffer.from('abc')])
const hello = Buffer.from('hello')

/** Real compression for each codec; gzip and zstd are Node's, the others are this test's. */
const compressors: [(typeof compressing)[number], (bytes: Uint8Array) => Uint8Array][] = [
  ['gzip', (bytes) => gzipSync(bytes)],
  ['snappy', snappyRaw],
  ['snappy', snappyXerial],
  ['lz4', lz4Frame],
  ['zstd', (bytes) => zstdCompressSync(bytes)],
]

/** Bytes with the repetitions, near and far, that matches are made of. */
const repetitive = fc
  .array(fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 12 }), fc.integer({ min: 1, max: 60 })), { maxLength: 40 })
  .map((runs) => Buffer.concat(runs.flatMap(([bytes, times]) => Array.from({ length: times }, () => bytes))))

describe.each(compressors)('%s', (codec, compress) => {
  test('gives back what was compressed', () => {
    fc.assert(
      fc.property(repetitive, (bytes) => {
        expect(Buffer.compare(inflate(codec, compress(bytes), ample), bytes)).toBe(0)
      }),
    )
    const long = Buffer.concat([plainText, plainText, Buffer.alloc(300_000, 'ab'), plainText])
    expect(Buffer.compare(inflate(codec, compress(long), ample), long)).toBe(0)
  })

  test('is bounded to the byte', () => {
    const bytes = compress(plainText)
    expect(Buffer.compare(inflate(codec, bytes, plainText.length), plainText)).toBe(0)
    expect(() => inflate(codec, bytes, plainText.length - 1)).toThrow(CodecError)
  })

  test('refuses a bomb and never holds more than its bound', () => {
    const bomb = compress(Buffer.alloc(8_000_000))
    const before = process.memoryUsage().arrayBuffers
    expect(() => inflate(codec, bomb, 100_000)).toThrow(/more than/)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2_000_000)
  })

  test('refuses bytes that are cut off, wherever', () => {
    const bytes = compress(Buffer.from('so much, so much, so much, so long'))
    // A raw snappy stream and a xerial one without chunks are whole when nothing is left.
    for (let length = 0; length < bytes.length; length++) {
      if (codec === 'snappy' && length === xerialHeader.length && bytes[0] === 0x82) continue
      expect(() => inflate(codec, bytes.subarray(0, length), ample), `${length} bytes`).toThrow(CodecError)
    }
  })

  test('answers any bytes with bytes within the bound or with a CodecError', () => {
    const bytes = compress(plainText.subarray(0, 3000))
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.uint8Array({ minLength: 1, maxLength: 8 }), (at, change) => {
        const changed = Buffer.from(bytes)
        changed.set(change.subarray(0, bytes.length - at), at)
        expect(lengthOrError(() => inflate(codec, changed, 10_000))).toSatisfy(
          (answer) => answer instanceof CodecError || Number(answer) <= 10_000,
        )
      }),
      { numRuns: 500 },
    )
  })
})

test.each(compressing)('what deflate makes with %s is inflated again, also when it is empty or larger than a block', (codec) => {
  for (const bytes of [new Uint8Array(0), Uint8Array.of(7), plainText, Buffer.alloc(4 * 1024 * 1024 + 5, 'x')]) {
    expect(Buffer.compare(inflate(codec, deflate(codec, bytes), ample), bytes)).toBe(0)
  }
})

describe('streams of other programs', () => {
  test.each([
    ['lz4', 'linked.lz4'],
    ['lz4', 'independent-checksums.lz4'],
    ['lz4', 'content-checksum.lz4'],
    ['lz4', 'two-frames.lz4'],
    ['zstd', 'two-frames.zst'],
    ['zstd', 'content-size.zst'],
    ['snappy', 'raw.snappy'],
  ] as const)('%s: %s', (codec, name) => {
    expect(Buffer.compare(inflate(codec, fixture(name), ample), plainText)).toBe(0)
    expect(() => inflate(codec, fixture(name), plainText.length - 1)).toThrow(/more than/)
  })
})

describe('gzip', () => {
  test('several members in a row are one stream', () => {
    const twice = Buffer.concat([gzipSync(plainText), gzipSync(hello)])
    expect(Buffer.compare(inflate('gzip', twice, ample), Buffer.concat([plainText, hello]))).toBe(0)
    expect(() => inflate('gzip', twice, plainText.length + 4)).toThrow(/more than/)
  })

  test('raw deflate, a wrong checksum and bytes after the last member are refused', () => {
    const bytes = gzipSync(hello)
    bytes[bytes.length - 5] ^= 1
    for (const wrong of [deflateRawSync(hello), bytes, Buffer.concat([gzipSync(hello), hello])]) {
      expect(() => inflate('gzip', wrong, ample)).toThrow(CodecError)
    }
  })
})

describe('zstd', () => {
  const frame = zstdCompressSync(hello)
  const checked = zstdCompressSync(hello, { params: { [constants.ZSTD_c_checksumFlag]: 1 } })

  test('frames in a row are one stream, skippable ones are stepped over', () => {
    const bytes = Buffer.concat([skippable, frame, checked, skippable, zstdCompressSync(plainText), frame])
    const expected = Buffer.concat([hello, hello, plainText, hello])
    expect(Buffer.compare(inflate('zstd', bytes, expected.length), expected)).toBe(0)
    expect(() => inflate('zstd', bytes, expected.length - 1)).toThrow(/more than/)
    expect(() => inflate('zstd', bytes, expected.length - 5)).toThrow(/more than/)
  })

  test('output that fills its chunks exactly is whole', () => {
    for (const length of [65536, 2 * 65536, 262144, 4 * 262144]) {
      expect(inflate('zstd', zstdCompressSync(Buffer.alloc(length)), length)).toHaveLength(length)
    }
    const noise = Buffer.from(Uint32Array.from({ length: 65536 }, (_, i) => Math.imul(i, 2654435761) ^ (i * i)).buffer)
    expect(Buffer.compare(inflate('zstd', zstdCompressSync(noise), noise.length), noise)).toBe(0)
  })

  test('bytes after the last frame, no frame at all and a wrong checksum are refused', () => {
    const wrong = Buffer.from(checked)
    wrong[wrong.length - 1] ^= 1
    for (const bytes of [Buffer.concat([frame, hello]), Buffer.concat([frame, Buffer.alloc(20)]), skippable, new Uint8Array(0), wrong]) {
      expect(() => inflate('zstd', bytes, ample)).toThrow(CodecError)
    }
  })

  test('a million empty frames are refused at once', () => {
    const empty = zstdCompressSync('')
    const bytes = Buffer.alloc(empty.length * 1_000_000, empty)
    const started = performance.now()
    expect(() => inflate('zstd', bytes, ample)).toThrow(/1024 zstd frames/)
    expect(performance.now() - started).toBeLessThan(1000)
  })
})

describe('snappy', () => {
  const raw = snappyRaw(hello)
  const chunk = Buffer.concat([uint32(raw.length, 'big'), raw])

  test('a framed stream may hold no chunks, empty chunks and further headers', () => {
    const bytes = Buffer.concat([xerialHeader, chunk, uint32(1, 'big'), Uint8Array.of(0), xerialHeader, chunk])
    expect(Buffer.from(inflate('snappy', bytes, ample)).toString()).toBe('hellohello')
    expect(inflate('snappy', xerialHeader, ample)).toHaveLength(0)
  })

  test.each([
    ['no bytes', []],
    ['a length of six bytes', [0x80, 0x80, 0x80, 0x80, 0x80, 0x00]],
    ['a length that says more than the bytes can hold', [0xff, 0xff, 0x03, 0x00, 0x61]],
    ['a length that says 4 GiB', [0xff, 0xff, 0xff, 0xff, 0x0f, 0x00, 0x61]],
    ['more bytes than its length says', [1, 4, 0x61, 0x62]],
    ['fewer bytes than its length says', [3, 4, 0x61, 0x62]],
    ['a literal of four length bytes over the end', [9, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x61]],
    ['a copy before the first byte', [8, 0, 0x61, 0x0d, 2]],
    ['a copy of distance 0', [8, 0, 0x61, 0x0d, 0]],
    ['a copy over the end', [4, 0, 0x61, 0x0d, 1]],
    ['a copy of four bytes with a distance past 2 GiB', [8, 0, 0x61, 0x1b, 1, 0, 0, 0x80]],
  ])('%s is refused', (_name, bytes) => {
    expect(() => inflate('snappy', Uint8Array.from(bytes), ample)).toThrow(CodecError)
  })

  test.each([
    ['a chunk with a length below 0', uint32(0xffffffff, 'big')],
    ['a chunk longer than the bytes', uint32(100, 'big')],
    ['a chunk length that is cut off', Uint8Array.of(0, 0)],
    ['a header that is cut off', xerialHeader.subarray(0, 12)],
  ])('%s is refused', (_name, tail) => {
    expect(() => inflate('snappy', Buffer.concat([xerialHeader, chunk, tail]), ample)).toThrow(CodecError)
  })

  test('no memory is taken for a length that the bytes can not hold', () => {
    const before = process.memoryUsage().arrayBuffers
    const lie = Uint8Array.of(0x80, 0x80, 0x80, 0x10, 0x00, 0x61)
    expect(() => inflate('snappy', lie, ample)).toThrow('its snappy length says 33554432 bytes, more than 2 bytes can hold')
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1_000_000)
  })

  test('a copy in one chunk never reaches into the chunk before it', () => {
    const reaching = Uint8Array.of(8, 0, 0x61, 0x0d, 2)
    expect(() => inflate('snappy', Buffer.concat([xerialHeader, chunk, uint32(5, 'big'), reaching]), ample)).toThrow(/reaches 2 bytes back/)
  })
})

describe('lz4', () => {
  const magic = [0x04, 0x22, 0x4d, 0x18]
  const frame = lz4Frame(hello)
  const end = [0, 0, 0, 0]

  test('frames in a row are one stream, skippable ones are stepped over', () => {
    const bytes = Buffer.concat([skippable, frame, skippable, frame])
    expect(Buffer.from(inflate('lz4', bytes, ample)).toString()).toBe('hellohello')
  })

  test('a match reaches into the block before only where blocks are linked', () => {
    const blocks = [...block(0x50, ...hello), ...block(0x01, 5, 0, 0x00), ...end]
    expect(Buffer.from(inflate('lz4', Uint8Array.from([...magic, 0x40, 0x40, 0, ...blocks]), ample)).toString()).toBe('hellohello')
    expect(() => inflate('lz4', Uint8Array.from([...magic, 0x60, 0x40, 0, ...blocks]), ample)).toThrow(/reaches 5 bytes back/)
  })

  test.each([
    ['no bytes', []],
    ['a legacy frame', [0x02, 0x21, 0x4c, 0x18, 0, 0, 0, 0]],
    ['only a skippable frame', [...skippable]],
    ['a skippable frame over the end', [0x50, 0x2a, 0x4d, 0x18, 0xff, 0xff, 0xff, 0xff]],
    ['bytes after the last frame', [...frame, ...hello, ...hello]],
    ['version 2', [...magic, 0xa0, 0x40, 0, ...end]],
    ['a reserved flag', [...magic, 0x62, 0x40, 0, ...end]],
    ['a reserved bit of the block descriptor', [...magic, 0x60, 0x41, 0, ...end]],
    ['block size 3', [...magic, 0x60, 0x30, 0, ...end]],
    ['a dictionary', [...magic, 0x61, 0x40, 1, 2, 3, 4, 0, ...end]],
    ['a content size of 2^63', [...magic, 0x68, 0x40, 0, 0, 0, 0, 0, 0, 0, 0x80, 0, ...end]],
    ['a content size that is not its own', [...magic, 0x68, 0x40, 4, 0, 0, 0, 0, 0, 0, 0, 0, ...block(0x50, ...hello), ...end]],
    ['a block larger than the descriptor allows', [...magic, 0x60, 0x40, 0, ...block(...Array.from({ length: 65537 }, () => 0)), ...end]],
    [
      'a block that inflates past the descriptor',
      [...magic, 0x60, 0x40, 0, ...block(0x1f, 0x61, 1, 0, ...Array.from({ length: 300 }, () => 255), 0, 0x00), ...end],
    ],
    ['a match of distance 0', [...magic, 0x60, 0x40, 0, ...block(0x10, 0x61, 0, 0, 0x00), ...end]],
    ['a block that ends with a match', [...magic, 0x60, 0x40, 0, ...block(0x10, 0x61, 1, 0), ...end]],
    ['a literal length that never ends', [...magic, 0x60, 0x40, 0, ...block(0xf0, 255, 255), ...end]],
    ['a match length that never ends', [...magic, 0x60, 0x40, 0, ...block(0x1f, 0x61, 1, 0, 255), ...end]],
    ['no end mark', [...magic, 0x60, 0x40, 0, ...block(0x50, ...hello)]],
    ['a content checksum that is cut off', [...magic, 0x64, 0x40, 0, ...block(0x50, ...hello), ...end, 1, 2, 3]],
  ])('%s is refused', (_name, bytes) => {
    expect(() => inflate('lz4', Uint8Array.from(bytes), ample)).toThrow(CodecError)
  })
})

function block(...bytes: number[]): number[] {
  return [...uint32(bytes.length, 'little'), ...bytes]
}

function lengthOrError(work: () => Uint8Array): unknown {
  try {
    return work().length
  } catch (error) {
    return error
  }
}
