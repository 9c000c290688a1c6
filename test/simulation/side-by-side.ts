import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { SimulationReport } from './simulate.ts'

/** Runs the worlds of `seeds` side by side, as many as there are cores, and yields what came of them in the order of the seeds, up to the first that broke. */
export async function* simulateSideBySide(seeds: readonly number[], guard: string | null): AsyncGenerator<SimulationReport> {
  const waiting = [...seeds]
  const reports = new Map(seeds.map((seed) => [seed, Promise.withResolvers<SimulationReport>()]))
  const workers = Array.from({ length: Math.min(availableParallelism(), seeds.length) }, () => {
    const worker = new Worker(new URL('seed-worker.ts', import.meta.url), { workerData: guard })
    const next = () => {
      const seed = waiting.shift()
      if (seed !== undefined) worker.postMessage(seed, [])
    }
    worker.on('message', (report: SimulationReport) => {
      reports.get(report.seed)!.resolve(report)
      if (report.broken === null) return next()
      // The processes of a world that broke go on, and must not fail into the next one; nobody asks for a later world.
      waiting.length = 0
      void worker.terminate()
    })
    worker.on('error', (error) => {
      for (const { promise, reject } of reports.values()) {
        promise.catch(() => undefined)
        reject(error)
      }
    })
    next()
    return worker
  })
  try {
    for (const seed of seeds) {
      const report = await reports.get(seed)!.promise
      yield report
      if (report.broken !== null) return
    }
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()))
  }
}
