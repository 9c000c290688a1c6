import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CanonicalRow } from './canonical.ts'

/** Golden segments under `prod/`, as a broker left them in its bucket. */
export const goldenBucket = join(import.meta.dirname, '../golden/bucket')

const expectedDirectory = join(import.meta.dirname, '../golden/expected')

/** The topics of the golden data. */
export const goldenTopics = readdirSync(expectedDirectory).toSorted()

/** The table that a topic goes to. */
export function tableOf(topic: string): string {
  return topic.replaceAll('-', '_')
}

/** Offsets of control records, which a consumer's dump shows and which are no rows. */
const controlRecords: Readonly<Record<string, readonly number[]>> = { 'g-txn': [2, 4] }

interface ExpectedRecord {
  readonly offset: number
  readonly timestamp: number
  readonly key_b64: string | null
  readonly value_b64: string | null
  readonly headers: readonly { readonly k: string; readonly v: string | null }[]
}

/** The rows that a golden topic's table must have, in the default layout. */
export function goldenRows(topic: string): CanonicalRow[] {
  return readdirSync(join(expectedDirectory, topic)).flatMap((partition) =>
    readFileSync(join(expectedDirectory, topic, partition, 'expected.jsonl'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as ExpectedRecord)
      .filter(({ offset }) => !(controlRecords[topic] ?? []).includes(offset))
      .map(({ offset, timestamp, key_b64, value_b64, headers }) => ({
        kafka_topic: topic,
        kafka_partition: partition,
        kafka_offset: String(offset),
        kafka_timestamp: timestamp === -1 ? null : String(BigInt(timestamp) * 1000n),
        kafka_key: key_b64,
        kafka_headers: headers.map(({ k, v }) => ({ key: k, value: v })),
        value: value_b64,
      })),
  )
}
