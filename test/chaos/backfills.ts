import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SeededRandom } from '../../src/drivers/entropy/seeded.ts'
import type { RebuildEvent } from './faults.ts'

const bin = join(import.meta.dirname, '../../src/bin.js')
/** Offsets among which the ends of ranges are drawn: some lie in history, some in what the tail brings in meanwhile. */
const maxOffset = 800

/** A command of history that takes longer is killed, too. */
const longestMs = 120_000

/** The command that brings in history of one of the topics: offsets drawn anew, so that ranges overlap each other and the tail, or the holes. */
export function backfillCommand(document: string, topics: readonly string[], random: SeededRandom): string[] {
  const command = ['backfill', '-f', document, '--topic', random.pick(topics), '--yes']
  if (random.chance(0.2)) return [...command, '--missing']
  const [from, to] = [random.below(maxOffset), random.below(maxOffset)].toSorted((a, b) => a - b)
  const order = random.chance(0.5) ? ['--newest-first'] : []
  return [...command, '--from', String(from), '--to', String(to + 1), ...order]
}

/** The command that makes a topic's table anew: on a branch, which goes on with the one that a killed command left, or beside it. */
export function rebuildCommand(document: string, topic: string, where: 'branch' | 'beside'): string[] {
  const place = where === 'branch' ? ['--rebuild'] : ['--all', '--into', besideOf(topic)]
  return ['backfill', '-f', document, '--topic', topic, '--yes', ...place]
}

/** The table beside a topic's own that gets its history too. */
export function besideOf(topic: string): string {
  return `${topic}_beside`
}

/** Starts the command and kills it after some time, or when `signal` aborts; resolves with how it ended. */
export function killCommand(command: readonly string[], afterMs: number, signal?: AbortSignal): Promise<'killed' | 'done' | 'failed'> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [bin, ...command], { stdio: 'ignore' })
    const kill = () => void child.kill('SIGKILL')
    const timer = setTimeout(kill, afterMs)
    signal?.addEventListener('abort', kill)
    child.once('error', reject)
    child.once('exit', (code, by) => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', kill)
      resolve(by === 'SIGKILL' ? 'killed' : code === 0 ? 'done' : 'failed')
    })
  })
}

/** How each command is meant to end, in turn: what is killed goes on with the next of its kind. */
const turns = [
  { where: 'beside', dies: true },
  { where: 'branch', dies: true },
  { where: 'branch', dies: false },
] as const

/** Makes tables anew, one after another, on branches and beside, until `signal` aborts. Tells what happened. */
export async function rebuildNowAndThen(
  document: string,
  topics: readonly string[],
  random: SeededRandom,
  signal: AbortSignal,
  tell: (event: RebuildEvent) => void,
): Promise<void> {
  for (let i = 0; !signal.aborted; i++) {
    await sleep(random.below(2000))
    const { where, dies } = turns[i % turns.length]
    const command = rebuildCommand(document, random.pick(topics), where)
    // A table beside soon has nearly everything: a command that brings the rest is over early.
    const dieMs = where === 'beside' ? 700 + random.below(2500) : 2000 + random.below(8000)
    const end = await killCommand(command, dies ? dieMs : longestMs, signal)
    if (where === 'beside' && end === 'killed') tell('backfill beside killed')
    if (where === 'branch' && end !== 'failed') tell(`rebuild ${end}`)
  }
}
