import { BytesBuilder } from '../../formats/arrow/builders/bytes.ts'
import { Int64Builder } from '../../formats/arrow/builders/numbers.ts'
import type { RecordFrames } from '../../formats/kafka/record-frames.ts'
import type { TopicPartition } from '../../model/topic-partition.ts'

/**
 * The columns that KafScale's Go processor makes otherwise than we do: `record_id` is `topic:partition:offset`, `timestamp_ms` the
 * record's milliseconds as they are, −1 and absurd ones too, and `headers` a JSON list of objects with `key` and `value` as text, empty
 * where there are none.
 */
export class KafscaleColumns {
  readonly recordId = new BytesBuilder()
  readonly timestampMs = new Int64Builder()
  readonly headers = new BytesBuilder()

  append({ topic, partition }: TopicPartition, baseOffset: bigint, frames: RecordFrames, i: number): void {
    appendText(this.recordId, `${topic}:${partition}:${baseOffset + BigInt(frames.offsetDelta[i])}`)
    const [low, high] = [frames.timestampHalves[2 * i] >>> 0, frames.timestampHalves[2 * i + 1]]
    this.timestampMs.append((BigInt(high) << 32n) | BigInt(low))
    appendText(this.headers, headersText(frames, i))
  }

  clear(): void {
    for (const builder of [this.recordId, this.timestampMs, this.headers]) builder.clear()
  }
}

function headersText(frames: RecordFrames, i: number): string {
  const headers: { key: string; value: string }[] = []
  for (let h = frames.firstHeader[i]; h < frames.firstHeader[i + 1]; h++) {
    headers.push({
      key: textOf(frames.bytes, frames.headerKeyStart[h], frames.headerKeyLength[h]),
      value: textOf(frames.bytes, frames.headerValueStart[h], frames.headerValueLength[h]),
    })
  }
  return headers.length === 0 ? '' : escapeLikeGo(JSON.stringify(headers))
}

/** What is not UTF-8 becomes U+FFFD; null is empty. */
function textOf(bytes: Uint8Array, start: number, length: number): string {
  return length <= 0 ? '' : Buffer.from(bytes.buffer, bytes.byteOffset + start, length).toString()
}

/** Go's encoder escapes what HTML and JavaScript would misread. */
function escapeLikeGo(json: string): string {
  return json.replaceAll(/[<>&\u2028\u2029]/g, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

function appendText(builder: BytesBuilder, text: string): void {
  const bytes = Buffer.from(text)
  builder.append(bytes, 0, bytes.length)
}
