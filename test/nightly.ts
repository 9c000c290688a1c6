import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Figure, isMet, machine, reportLines } from './bench/figures.ts'

/** What takes too long for every change, one after another; `--keep` leaves what it printed in docs/nightly/last.txt. */
const { values: options } = parseArgs({ options: { keep: { type: 'boolean', default: false } } })

interface Step {
  readonly name: string
  /** A script of this repository and its arguments. */
  readonly command: readonly string[]
}

const root = join(import.meta.dirname, '..')
const scratch = await mkdtemp(join(tmpdir(), 'nightly-'))
const benchFile = join(scratch, 'bench.json')

const steps: readonly Step[] = [
  { name: 'integration', command: ['test/integration/run.ts'] },
  { name: 'engines', command: ['node_modules/vitest/vitest.mjs', 'run', '--config', 'test/vitest.nightly.config.ts'] },
  { name: 'simulation', command: ['test/simulation/run.ts', '--seeds', '1000'] },
  { name: 'chaos', command: ['test/chaos/run.ts', '--seconds', '3600'] },
  { name: 'bench', command: ['test/bench/run.ts', '--json', benchFile] },
  { name: 'large partition', command: ['test/load/large-partition.ts'] },
  { name: 'load', command: ['test/load/run.ts'] },
  { name: 'load on a fleet', command: ['test/load/run.ts', '--workers', '4'] },
  { name: 'backfill', command: ['test/load/backfill.ts'] },
  { name: 'a day of commits', command: ['--expose-gc', 'test/load/steady.ts', '1440'] },
  { name: 'a day of commits over Redis', command: ['--expose-gc', 'test/load/steady.ts', '1440', '--redis'] },
  { name: 'idle', command: ['test/load/idle.ts'] },
  { name: 'Redis operations per task', command: ['test/load/redis-operations.ts'] },
  { name: 'aged table', command: ['--expose-gc', 'test/bench/aged-table.ts', '50000', '--compact'] },
  { name: 'rewrites', command: ['test/bench/rewrites.ts'] },
]

let printed = ''
function print(text: string): void {
  printed += text
  process.stdout.write(text)
}

/** Runs a step to its end, whatever the others came to; resolves with its exit code, 1 where a signal ended it. */
function run({ command }: Step): Promise<number> {
  return new Promise((resolve, reject) => {
    const path = `${join(root, 'node_modules/.bin')}:${process.env.PATH ?? ''}`
    const child = spawn(process.execPath, [...command], {
      cwd: root,
      env: { ...process.env, PATH: path },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', print)
    child.on('error', reject)
    child.on('close', (code) => resolve(code ?? 1))
  })
}

/** A goal that was missed fails the night, though it does not fail the bench. */
async function missedGoals(): Promise<string[]> {
  const all = JSON.parse(await readFile(benchFile, 'utf8')) as Figure[]
  return reportLines(all.filter(({ value, goal }) => !isMet(value, goal)))
}

try {
  print(`${new Date().toISOString()}\n${machine()}\n`)
  const summary: string[] = []
  let failed = 0
  for (const step of steps) {
    print(`\n── ${step.name}: node ${step.command.join(' ').replace(scratch, '$TMPDIR')}\n`)
    const startedMs = performance.now()
    const code = await run(step)
    const missed = step.name === 'bench' && code === 0 ? await missedGoals() : []
    const ok = code === 0 && missed.length === 0
    if (!ok) failed++
    const minutes = ((performance.now() - startedMs) / 60_000).toFixed(1)
    summary.push(
      `${ok ? 'ok    ' : 'FAILED'}  ${step.name.padEnd(15)}  ${minutes.padStart(6)} min${code === 0 ? '' : `  exit code ${code}`}`,
      ...missed,
    )
  }
  print(`\n── summary\n${summary.join('\n')}\n`)
  if (failed > 0) process.exitCode = 1
  if (options.keep) {
    await mkdir(join(root, 'docs/nightly'), { recursive: true })
    await writeFile(join(root, 'docs/nightly/last.txt'), printed)
  }
} finally {
  await rm(scratch, { recursive: true, force: true })
}
