import { spawn } from 'node:child_process'
import { join } from 'node:path'
import type { SeededRandom } from '../../src/drivers/entropy/seeded.ts'

const bin = join(import.meta.dirname, '../../src/bin.js')
/** Offsets among which the ends of ranges are drawn: some lie in history, some in what the tail brings in meanwhile. */
const maxOffset = 800

/** The command that brings in history of one of the topics: offsets drawn anew, so that ranges overlap each other and the tail, or the holes. */
export function backfillCommand(document: string, topics: readonly string[], random: SeededRandom): string[] {
  const command = ['backfill', '-f', document, '--topic', random.pick(topics), '--yes']
  if (random.chance(0.2)) return [...command, '--missing']
  const [from, to] = [random.below(maxOffset), random.below(maxOffset)].toSorted((a, b) => a - b)
  const order = random.chance(0.5) ? ['--newest-first'] : []
  return [...command, '--from', String(from), '--to', String(to + 1), ...order]
}

/** Starts the command and kills it; resolves with whether it was still at work then. */
export function killBackfill(command: readonly string[], afterMs: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [bin, ...command], { stdio: 'ignore' })
    const timer = setTimeout(() => child.kill('SIGKILL'), afterMs)
    child.once('error', reject)
    child.once('exit', (_, signal) => {
      clearTimeout(timer)
      resolve(signal === 'SIGKILL')
    })
  })
}
