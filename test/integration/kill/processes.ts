import { type ChildProcess, spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ChildOptions, ChildReport } from './child.ts'

/** How a process ended, and what it said. */
export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** The steps it printed, in order. */
  readonly steps: readonly string[]
  /** What a child reported; absent where it was killed. */
  readonly report?: ChildReport
  /** Its log. */
  readonly log: string
}

/** A process of the test. */
export interface Running {
  readonly ended: Promise<Ended>
  /** Until the log matches; fails when the process ends first. */
  logged(pattern: RegExp): Promise<void>
  /** What its log says so far. */
  log(): string
  kill(signal: NodeJS.Signals): void
}

export type Role = 'run' | 'worker' | 'planner' | 'committer'

/** Halves the time that a process takes to start. */
const compileCache = join(tmpdir(), 'node-compile-cache')

const running = new Set<ChildProcess>()

/** Ends what a failed test left behind. */
export function killLeftovers(): void {
  for (const child of running) child.kill('SIGKILL')
}

/** Starts the child program. */
export function startChild(options: ChildOptions): Running {
  return start([join(import.meta.dirname, 'child.ts'), JSON.stringify(options)])
}

/** Runs the child program to its end. */
export function runChild(options: ChildOptions): Promise<Ended> {
  return startChild(options).ended
}

/** Starts the program itself: `run` with a document. */
export function startProgram(document: string, ...args: string[]): Running {
  return startRole('run', document, args)
}

/** Starts the program in a role, with `env` added to what it inherits. */
export function startRole(role: Role, document: string, args: readonly string[] = [], env?: Readonly<Record<string, string>>): Running {
  return start([join(import.meta.dirname, '../../../src/bin.js'), role, '-f', document, ...args], env)
}

function start(args: readonly string[], more: Readonly<Record<string, string>> = {}): Running {
  const env = { ...process.env, NODE_COMPILE_CACHE: compileCache, ...more }
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  running.add(child)
  let output = ''
  let log = ''
  let look: () => void = () => undefined
  child.stdout.on('data', (text: Buffer) => (output += text.toString()))
  child.stderr.on('data', (text: Buffer) => {
    log += text.toString()
    look()
  })
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      running.delete(child)
      const lines = output.split('\n')
      const report = lines.find((line) => line.startsWith('report '))?.slice(7)
      resolve({
        code,
        signal,
        steps: lines.filter((line) => line.startsWith('step ')).map((line) => line.slice(5)),
        ...(report === undefined ? {} : { report: JSON.parse(report) as ChildReport }),
        log,
      })
    })
  })
  return {
    ended,
    log: () => log,
    kill: (signal) => void child.kill(signal),
    async logged(pattern) {
      await new Promise<void>((resolve, reject) => {
        look = () => pattern.test(log) && resolve()
        look()
        ended.then(() => reject(new Error(`the process ended before its log said ${String(pattern)}:\n${log}`)), reject)
      })
    },
  }
}

/** Does `work` for each item, two at a time: as many as the smallest machine has cores. */
export async function twoAtATime<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  let next = 0
  const lane = async () => {
    while (next < items.length) await work(items[next++])
  }
  await Promise.all([lane(), lane()])
}
