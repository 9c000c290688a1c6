import { crc32 } from 'node:zlib'

export type Container = { readonly kind: 'array' | 'bitmap' | 'run'; readonly values: readonly number[] }

/** A blob of the type deletion-vector-v1. */
export function vectorOf(containers: ReadonlyMap<number, Container>, withRuns: boolean): Uint8Array {
  const bytes: number[] = []
  const put = (value: number, size: number) => {
    for (let i = 0; i < size; i++) bytes.push(Math.floor(value / 2 ** (8 * i)) & 0xff)
  }
  put(1, 8)
  put(0, 4)
  const all = [...containers]
  if (withRuns) {
    put(12347 | ((all.length - 1) << 16), 4)
    put(
      all.reduce((flags, [, { kind }], i) => flags | (kind === 'run' ? 1 << i : 0), 0),
      (all.length + 7) >> 3,
    )
  } else {
    put(12346, 4)
    put(all.length, 4)
  }
  for (const [key, { values }] of all) {
    put(key, 2)
    put(values.length - 1, 2)
  }
  if (!withRuns) for (const _ of all) put(0, 4)
  for (const [, { kind, values }] of all) {
    if (kind === 'run' && withRuns) {
      const runs: [number, number][] = []
      for (const value of values) {
        const last = runs.at(-1)
        if (last !== undefined && last[0] + last[1] + 1 === value) last[1]++
        else runs.push([value, 0])
      }
      put(runs.length, 2)
      for (const [start, more] of runs) {
        put(start, 2)
        put(more, 2)
      }
    } else if (kind === 'bitmap') {
      const bits = new Uint8Array(8192)
      for (const value of values) bits[value >> 3] |= 1 << (value & 7)
      bytes.push(...bits)
    } else for (const value of values) put(value, 2)
  }
  const body = Uint8Array.from([0xd1, 0xd3, 0x39, 0x64, ...bytes])
  const blob = new Uint8Array(body.length + 8)
  blob.set(body, 4)
  const view = new DataView(blob.buffer)
  view.setUint32(0, body.length)
  view.setUint32(blob.length - 4, crc32(body))
  return blob
}
