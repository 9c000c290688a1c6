/**
 * The indices of `keys[0…length)`, by key; equal keys in their order. A merge of the ascending stretches that are there, so that what is
 * nearly in order costs little; 4 bytes an index, and as many while it works, where a comparison function would make each key an object.
 */
export function orderBy(keys: BigInt64Array, length: number): Uint32Array {
  let order = Uint32Array.from({ length }, (_, i) => i)
  let edges = [0]
  for (let i = 1; i < length; i++) if (keys[i] < keys[i - 1]) edges.push(i)
  let spare = new Uint32Array(edges.length > 1 ? length : 0)
  while (edges.length > 1) {
    const merged: number[] = []
    for (let n = 0; n < edges.length; n += 2) {
      merged.push(edges[n])
      const [start, middle, end] = [edges[n], edges[n + 1] ?? length, edges[n + 2] ?? length]
      let [left, right] = [start, middle]
      for (let to = start; to < end; to++) {
        const takesLeft = right >= end || (left < middle && keys[order[left]] <= keys[order[right]])
        spare[to] = takesLeft ? order[left++] : order[right++]
      }
    }
    ;[order, spare, edges] = [spare, order, merged]
  }
  return order
}
