/**
 * Where the parts of a batch's records lie: one column per part, a slot per record, numbers only. `decodeRecords` fills it
 * again and again, so what it holds is good until the next call. The arrays are longer than `count`; they grow to the largest
 * batch seen and stay.
 *
 * Positions point into `bytes`. A record needs 7 bytes, a header 2, and the arrays grow by doubling, so they take at most 16 times
 * the bytes of the batch, inflated.
 */
export class RecordFrames {
  /** The segment itself where the batch was not compressed, else the inflated records. */
  bytes: Uint8Array = new Uint8Array(0)
  /** How many records the columns hold. */
  count = 0
  /** Offset minus the batch's base offset; strictly ascending. */
  offsetDelta = new Int32Array(0)
  /** Kafka timestamps, ms since 1970; −1 where the producer gave none. */
  timestampMs = new BigInt64Array(0)
  keyStart = new Int32Array(0)
  /** Bytes of the key; −1: null. */
  keyLength = new Int32Array(0)
  valueStart = new Int32Array(0)
  /** Bytes of the value; −1: null. */
  valueLength = new Int32Array(0)
  /** Record `i` has the headers from `firstHeader[i]` to `firstHeader[i + 1]`, exclusive; `count + 1` entries. */
  firstHeader = new Int32Array(1)
  headerKeyStart = new Int32Array(0)
  headerKeyLength = new Int32Array(0)
  headerValueStart = new Int32Array(0)
  /** Bytes of the header's value; −1: null. */
  headerValueLength = new Int32Array(0)
  /** `timestampMs` as halves, the low one first, as on every machine that Node 24 is built for but IBM Z: no BigInt a record. */
  timestampHalves = new Int32Array(0)

  /** Empties the columns and makes room for `count` records with positions into `bytes`. */
  reset(bytes: Uint8Array, count: number): void {
    this.bytes = bytes
    this.count = 0
    this.firstHeader[0] = 0
    if (count <= this.offsetDelta.length) return
    const capacity = Math.max(count, this.offsetDelta.length * 2, 256)
    this.offsetDelta = new Int32Array(capacity)
    this.timestampMs = new BigInt64Array(capacity)
    this.timestampHalves = new Int32Array(this.timestampMs.buffer)
    this.keyStart = new Int32Array(capacity)
    this.keyLength = new Int32Array(capacity)
    this.valueStart = new Int32Array(capacity)
    this.valueLength = new Int32Array(capacity)
    this.firstHeader = new Int32Array(capacity + 1)
  }

  /** Makes room for `count` headers in all and keeps those that are there. */
  reserveHeaders(count: number): void {
    if (count <= this.headerKeyStart.length) return
    const capacity = Math.max(count, this.headerKeyStart.length * 2, 256)
    this.headerKeyStart = grown(this.headerKeyStart, capacity)
    this.headerKeyLength = grown(this.headerKeyLength, capacity)
    this.headerValueStart = grown(this.headerValueStart, capacity)
    this.headerValueLength = grown(this.headerValueLength, capacity)
  }
}

function grown(old: Int32Array<ArrayBuffer>, capacity: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(capacity)
  larger.set(old)
  return larger
}
