/**
 * Columns in the Arrow columnar layout (Arrow format, "Physical memory layout"): validity bitmap, offsets, values.
 * Validity is least-significant-bit first, 1 = present; null where every slot is present.
 */
export type Vector = FixedVector | BytesVector | BooleanVector | DecimalVector | FixedBytesVector | ListVector | MapVector | StructVector

interface Slots {
  /** Number of slots. */
  readonly length: number
  readonly nullCount: number
  readonly validity: Uint8Array | null
}

/** int, long, float, double, date, time, timestamps: one value a slot, native byte order. */
export interface FixedVector extends Slots {
  readonly layout: 'fixed'
  readonly values: Int32Array | BigInt64Array | Float32Array | Float64Array
}

/** string (UTF-8) and binary: slot i is `data[offsets[i], offsets[i + 1])`. */
export interface BytesVector extends Slots {
  readonly layout: 'bytes'
  readonly offsets: Int32Array
  readonly data: Uint8Array
}

/** One bit a slot. */
export interface BooleanVector extends Slots {
  readonly layout: 'boolean'
  readonly values: Uint8Array
}

/** decimal: the unscaled value as a 128-bit two's complement integer; slot i is `values[2 i]` (low half) and `values[2 i + 1]` (high half). */
export interface DecimalVector extends Slots {
  readonly layout: 'decimal'
  readonly values: BigInt64Array
}

/** uuid and fixed: slot i is `data[i * width, (i + 1) * width)`. */
export interface FixedBytesVector extends Slots {
  readonly layout: 'fixed-bytes'
  readonly width: number
  readonly data: Uint8Array
}

/** Slot i holds the elements `[offsets[i], offsets[i + 1])`. */
export interface ListVector extends Slots {
  readonly layout: 'list'
  readonly offsets: Int32Array
  readonly element: Vector
}

/** Slot i holds the entries `[offsets[i], offsets[i + 1])`; keys are never null. */
export interface MapVector extends Slots {
  readonly layout: 'map'
  readonly offsets: Int32Array
  readonly keys: Vector
  readonly values: Vector
}

export interface StructVector extends Slots {
  readonly layout: 'struct'
  readonly children: readonly Vector[]
}

/** Columns of equal length, by position in their schema. */
export interface ColumnBatch {
  readonly length: number
  readonly columns: readonly Vector[]
}

/** Whether slot `i` holds a value. */
export function isPresent(vector: Vector, i: number): boolean {
  return vector.validity === null || (vector.validity[i >> 3] & (1 << (i & 7))) !== 0
}
