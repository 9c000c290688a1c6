/** What a whole process used, all its threads together. */
export interface ProcessUsage {
  readonly cpuSeconds: number
  readonly peakMegabytes: number
}

/** Writes it to the file that BENCH_USAGE names when the process ends. Plain JavaScript: to strip types would be charged to the process. */
const source = `
  import { writeFileSync } from 'node:fs'
  import { isMainThread } from 'node:worker_threads'
  if (isMainThread) process.on('exit', () => {
    const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage()
    const usage = { cpuSeconds: (userCPUTime + systemCPUTime) / 1e6, peakMegabytes: (maxRSS * 1024) / 1e6 }
    writeFileSync(process.env.BENCH_USAGE, JSON.stringify(usage))
  })`

/** What a measured process is to load first (`node --import`). */
export const usagePreload = `data:text/javascript,${encodeURIComponent(source)}`
