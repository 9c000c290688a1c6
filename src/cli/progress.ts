/** How far long work has come. */
export interface Progress {
  /** `total`: absent while nobody knows it. */
  update(done: number, total?: number): Promise<void>
  /** Removes the bar. */
  stop(): void
}

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
        if (performance.now() - startedMs < patienceMs) return
        const { SingleBar, Presets } = await import('cli-progress')
        const line =
          total === undefined
            ? `${label} {value}`
            : `${label} {bar} {percentage}% · {value} of {total} · {rate} a second · {eta_formatted} left`
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
        bar.start(total ?? 0, done, { rate: '?' })
      }
      if (total !== undefined) bar.setTotal(total)
      const seconds = (performance.now() - begun.atMs) / 1000
      bar.update(done, { rate: seconds > 0 ? format(Math.round((done - begun.done) / seconds)) : '?' })
    },
    stop: () => bar?.stop(),
  }
}
