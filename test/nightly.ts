import { execFileSync, spawn } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs, stripVTControlCharacters } from 'node:util'
import { type Figure, isMet, machine, reportLines } from './bench/figures.ts'

/**
 * What takes too long for every change, one step after another. `--step NAME` (more than once) carries out only that;
 * `--keep` leaves what a step printed in docs/nightly/NAME.txt, and what all steps came to in docs/nightly/README.md.
 */
const { values: options } = parseArgs({ options: { keep: { type: 'boolean', default: false }, step: { type: 'string', multiple: true } } })

interface Step {
  readonly name: string
  /** A script of this repository and its arguments. */
  readonly command: readonly string[]
}

const root = join(import.meta.dirname, '..')
const kept = join(root, 'docs/nightly')
const scratch = await mkdtemp(join(tmpdir(), 'nightly-'))
const benchFile = join(scratch, 'bench.json')

const steps: readonly Step[] = [
  { name: 'integration', command: ['test/integration/run.ts'] },
  { name: 'engines', command: ['node_modules/vitest/vitest.mjs', 'run', '--config', 'test/vitest.nightly.config.ts'] },
  { name: 'simulation', command: ['test/simulation/run.ts', '--seeds', '1000'] },
  { name: 'guards', command: ['test/simulation/run.ts', '--every-guard', '--seeds', '500'] },
  { name: 'chaos', command: ['test/chaos/run.ts', '--seconds', '3600'] },
  { name: 'bench', command: ['test/bench/run.ts', '--json', benchFile] },
  { name: 'large-partition', command: ['test/load/large-partition.ts'] },
  { name: 'load', command: ['test/load/run.ts'] },
  { name: 'load-on-a-fleet', command: ['test/load/run.ts', '--workers', '4'] },
  { name: 'two-processes', command: ['test/load/two-processes.ts'] },
  { name: 'backfill', command: ['test/load/backfill.ts'] },
  { name: 'backfill-of-50-gb', command: ['test/load/history.ts'] },
  { name: 'day-of-commits', command: ['--expose-gc', 'test/load/steady.ts', '1440'] },
  { name: 'day-of-commits-over-redis', command: ['--expose-gc', 'test/load/steady.ts', '1440', '--redis'] },
  { name: 'idle', command: ['test/load/idle.ts'] },
  { name: 'redis-operations', command: ['test/load/redis-operations.ts'] },
  { name: 'aged-table', command: ['--expose-gc', 'test/bench/aged-table.ts', '50000', '--compact'] },
  { name: 'rewrites', command: ['test/bench/rewrites.ts'] },
]

/** What a step came to, as the first line of its file in docs/nightly says it. */
interface Outcome {
  readonly ok: boolean
  readonly minutes: string
  readonly day: string
  readonly commit: string
}

/** Runs a step to its end, whatever the others came to; resolves with what it printed and its exit code, 1 where a signal ended it. */
function run({ command }: Step): Promise<{ readonly code: number; readonly printed: string }> {
  return new Promise((resolve, reject) => {
    const path = `${join(root, 'node_modules/.bin')}:${process.env.PATH ?? ''}`
    const child = spawn(process.execPath, [...command], {
      cwd: root,
      env: { ...process.env, PATH: path },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let printed = ''
    const take = (text: string) => {
      printed += text
      process.stdout.write(text)
    }
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', take)
    child.on('error', reject)
    child.on('close', (code) => resolve({ code: code ?? 1, printed }))
  })
}

/** A goal that was missed fails the night, though it does not fail the bench. */
async function missedGoals(): Promise<string[]> {
  const all = JSON.parse(await readFile(benchFile, 'utf8')) as Figure[]
  return reportLines(all.filter(({ value, goal }) => !isMet(value, goal)))
}

const commandLine = ({ command }: Step) => `node ${command.join(' ').replace(scratch, '$TMPDIR')}`
const firstLine = ({ ok, minutes, day, commit }: Outcome) => `${ok ? 'ok' : 'FAILED'}, ${minutes} min, ${day}, commit ${commit}`

function parsedFirstLine(text: string): Outcome | null {
  const [, outcome, minutes, day, commit] = /^(ok|FAILED), ([\d.]+) min, (\S+), commit (\S+)\n/.exec(text) ?? []
  return commit === undefined ? null : { ok: outcome === 'ok', minutes, day, commit }
}

/** The table of the newest kept outcome of each step. */
async function keptTable(): Promise<string> {
  const lines = await Promise.all(
    steps.map(async (step) => {
      const outcome = parsedFirstLine(await readFile(join(kept, `${step.name}.txt`), 'utf8').catch(() => ''))
      const cells =
        outcome === null
          ? [step.name, 'never kept', '', '', '']
          : [`[${step.name}](${step.name}.txt)`, outcome.ok ? 'ok' : '**FAILED**', outcome.minutes, outcome.day, outcome.commit]
      return `| ${cells.join(' | ')} | \`${commandLine(step)}\` |`
    }),
  )
  return `# The night

\`npm run nightly -- --keep\` carries all of this out and writes this page; \`--step NAME\` only a step of it. Each file is what the step printed last.

| Step | Outcome | Minutes | Day | Commit | Command |
| --- | --- | --- | --- | --- | --- |
${lines.join('\n')}
`
}

try {
  const unknown = options.step?.filter((name) => !steps.some((step) => step.name === name)) ?? []
  if (unknown.length > 0) throw new Error(`--step ${unknown[0]}: expected one of ${steps.map(({ name }) => name).join(', ')}`)
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim()
  const summary: string[] = []
  for (const step of steps.filter(({ name }) => options.step?.includes(name) ?? true)) {
    process.stdout.write(`\n── ${step.name}: ${commandLine(step)}\n`)
    const startedMs = performance.now()
    const { code, printed } = await run(step)
    const missed = step.name === 'bench' && code === 0 ? await missedGoals() : []
    const ok = code === 0 && missed.length === 0
    if (!ok) process.exitCode = 1
    const minutes = ((performance.now() - startedMs) / 60_000).toFixed(1)
    const line = firstLine({ ok, minutes, day: new Date().toISOString().slice(0, 10), commit })
    summary.push(`${step.name.padEnd(25)}  ${line}${code === 0 ? '' : `, exit code ${code}`}`, ...missed)
    if (options.keep) {
      await mkdir(kept, { recursive: true })
      await writeFile(
        join(kept, `${step.name}.txt`),
        `${line}\n${commandLine(step)}\n${machine()}\n\n${stripVTControlCharacters(printed).replaceAll(root, '.')}`,
      )
      await writeFile(join(kept, 'README.md'), await keptTable())
    }
  }
  process.stdout.write(`\n── summary\n${summary.join('\n')}\n`)
} finally {
  await rm(scratch, { recursive: true, force: true })
}
