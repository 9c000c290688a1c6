import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** What a running process has used since it began, all its threads together. Linux tells. */
export interface Used {
  readonly cpuSeconds: number
  readonly peakMegabytes: number
  readonly residentMegabytes: number
  readonly sockets: number
}

/** Throws where the process is gone. */
export function usedBy(pid: number): Used {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The name stands in parentheses and may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const kilobytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1])
  return {
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond(),
    peakMegabytes: (kilobytes('VmHWM') * 1024) / 1e6,
    residentMegabytes: (kilobytes('VmRSS') * 1024) / 1e6,
    sockets: socketsOf(pid),
  }
}

function socketsOf(pid: number): number {
  const directory = `/proc/${pid}/fd`
  return readdirSync(directory).filter((fd) => {
    try {
      return readlinkSync(`${directory}/${fd}`).startsWith('socket:')
    } catch {
      return false
    }
  }).length
}

let ticks: number | undefined
function ticksPerSecond(): number {
  ticks ??= Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))
  return ticks
}
