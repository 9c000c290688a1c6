import { formatDuration } from './units.ts'

/** How far long work has come. */
export interface Progress {
  /** `total`: absent while nobody knows it. */
  update(done: number, total?: number): Promise<void>
  /** Removes the bar. */
  stop(): void
}

/** Before anything is known of how fast it goes. */
const unknown = { rate: '?', left: '?' }
/** Only what takes longer than this gets a bar, ms. */
const patienceMs = 500

/** A bar on `stream` with rate and time left, which appears when the work takes a while; nothing where the stream is no terminal. `format` writes what is done. */
export function openProgress(label: string, stream: NodeJS.WriteStream, format: (done: number) => string): Progress {
  if (!stream.isTTY) return { update: async () => undefined, stop: () => undefined }
  const startedMs = performance.now()
  let begun = { done: 0, atMs: startedMs }
  let bar: import('cli-progress').SingleBar | undefined
  return {
    async update(done, total) {
      if (bar === undefined) {
        // What is done at once, or for good when it is first told, needs no bar.
        if (performance.now() - startedMs < patienceMs || done === total) return
        const { SingleBar, Presets } = await import('cli-progress')
        const line =
          total === undefined ? `${label} {value}` : `${label} {bar} {percentage}% · {value} of {total} · {rate} a second · {left} left`
        bar = new SingleBar(
          {
            stream,
            format: line,
            formatValue: (value, _options, type) => (type === 'value' || type === 'total' ? format(value) : String(value)),
            hideCursor: false,
            clearOnComplete: true,
            barsize: 30,
          },
          Presets.rect,
        )
        begun = { done, atMs: performance.now() }
        bar.start(total ?? 0, done, unknown)
      }
      if (total !== undefined) bar.setTotal(total)
      const seconds = (performance.now() - begun.atMs) / 1000
      const rate = (done - begun.done) / seconds
      if (!(rate > 0 && Number.isFinite(rate))) return bar.update(done, unknown)
      const leftMs = total === undefined ? 0 : Math.ceil(Math.max(0, total - done) / rate) * 1000
      bar.update(done, { rate: format(Math.round(rate)), left: formatDuration(leftMs) })
    },
    stop: () => bar?.stop(),
  }
}
