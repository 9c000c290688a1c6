/** Numbers, sizes and times as people read them. */

/** `1,234,567`. */
export function formatCount(count: number | bigint): string {
  return count.toLocaleString('en-US')
}

/** `1 segment`, `2,000 segments`. */
export function formatNumberOf(count: number | bigint, noun: string, plural = `${noun}s`): string {
  return `${formatCount(count)} ${count === 1 || count === 1n ? noun : plural}`
}

/** `999 B`, `1.2 KiB`, `45 MiB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']
  let value = bytes
  let unit = 0
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return `${unit === 0 || value >= 9.95 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`
}

/** The two largest units: `850 ms`, `12 s`, `3 min 5 s`, `2 d 4 h`. */
export function formatDuration(ms: number): string {
  if (Math.abs(ms) < 1000) return `${Math.round(ms)} ms`
  const parts: string[] = []
  let rest = Math.round(Math.abs(ms) / 1000)
  for (const [name, seconds] of [
    ['d', 86_400],
    ['h', 3600],
    ['min', 60],
    ['s', 1],
  ] as const) {
    const count = Math.floor(rest / seconds)
    rest -= count * seconds
    if (count > 0) parts.push(`${count} ${name}`)
    else if (parts.length > 0) break
  }
  return `${ms < 0 ? '-' : ''}${parts.slice(0, 2).join(' ')}`
}

const firstMs = -62_135_596_800_000n
const lastMs = 253_402_300_799_999n

/** `2026-07-01T10:20:30.000Z`; the number where it lies outside the years 1 to 9999, and `none` for Kafka's −1. */
export function formatTime(ms: number | bigint): string {
  const exact = BigInt(ms)
  if (exact === -1n) return 'none'
  return exact < firstMs || exact > lastMs ? `${exact} ms` : new Date(Number(exact)).toISOString()
}

/** `7`, or `0–39`; both ends inclusive. */
export function formatSpan(first: bigint, last: bigint): string {
  return first === last ? `${first}` : `${first}–${last}`
}
