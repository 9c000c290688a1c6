type Growing = Int32Array | BigInt64Array | Float32Array | Float64Array | Uint8Array

/** A larger array with the same beginning: at least `needed` elements, and twice as many as before where that is at most `most`. */
export function grown<T extends Growing>(old: T, make: new (length: number) => T, needed: number, most = Infinity): T {
  const larger = new make(Math.max(needed, Math.min(old.length * 2, most)))
  larger.set(old as never)
  return larger
}
