import { writeFileSync } from 'node:fs'

/** What a whole process used, all its threads together. */
export interface ProcessUsage {
  readonly cpuSeconds: number
  readonly peakMegabytes: number
}

// Preloaded into a measured process (`node --import`): writes what it used when it ends.
if (process.env.BENCH_USAGE !== undefined) {
  const file = process.env.BENCH_USAGE
  process.on('exit', () => {
    const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage()
    const usage: ProcessUsage = { cpuSeconds: (userCPUTime + systemCPUTime) / 1e6, peakMegabytes: (maxRSS * 1024) / 1e6 }
    writeFileSync(file, JSON.stringify(usage))
  })
}
