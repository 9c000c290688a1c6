import { mkdir, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import type { Codec } from '../../../src/formats/kafka/codecs/inflate.ts'
import { writeBatch } from '../../../src/formats/kafka/write.ts'
import { segmentKey } from '../../../src/formats/kfs/segment-key.ts'
import { writeSegment } from '../../../src/formats/kfs/write.ts'

/** Where segments are put: an object appears whole or not at all. */
export type PutObject = (key: string, bytes: Uint8Array) => Promise<void>

export function intoDirectory(directory: string): PutObject {
  return async (key, bytes) => {
    const path = join(directory, key)
    await mkdir(dirname(path), { recursive: true })
    // Outside of every topic-partition's directory.
    const temporary = join(directory, '..', key.replaceAll('/', '_'))
    await writeFile(temporary, bytes)
    await rename(temporary, path)
  }
}

export function intoBucket(client: S3Client, bucket: string, prefix: string): PutObject {
  return async (key, bytes) => void (await client.send(new PutObjectCommand({ Bucket: bucket, Key: prefix + key, Body: bytes })))
}

/** Writes segments as a broker would and remembers what must be in the table: the value of each record by `topic/partition/offset`. */
export class SegmentWriter {
  readonly expected = new Map<string, string>()
  readonly #put: PutObject
  readonly #ends = new Map<string, bigint>()

  constructor(put: PutObject) {
    this.#put = put
  }

  /** Appends one segment of `records` records, each about `valueBytes` long, in two batches. */
  async append(topic: string, partition: number, records = 4, valueBytes = 20, codec: Codec = 'none'): Promise<void> {
    const place = `${topic}/${partition}`
    const base = this.#ends.get(place) ?? 0n
    const values = Array.from({ length: records }, (_, i) => `${place}/${base + BigInt(i)} `.padEnd(valueBytes, 'x'))
    values.forEach((value, i) => this.expected.set(`${place}/${base + BigInt(i)}`, value))
    this.#ends.set(place, base + BigInt(records))
    const half = Math.ceil(records / 2)
    const batches = [values.slice(0, half), values.slice(half)].filter((part) => part.length > 0)
    const { segment, index } = writeSegment({
      baseOffset: base,
      createdMs: 1_700_000_000_000,
      batches: batches.map((part, i) =>
        writeBatch({
          baseOffset: base + BigInt(i * half),
          codec,
          records: part.map((value) => ({ timestampMs: 1_700_000_000_000n, key: null, value: Buffer.from(value), headers: [] })),
        }),
      ),
    })
    await this.#put(segmentKey('', { topic, partition }, base, 'kfs'), segment)
    await this.#put(segmentKey('', { topic, partition }, base, 'index'), index)
  }
}
