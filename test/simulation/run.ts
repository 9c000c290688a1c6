import { parseArgs } from 'node:util'
import { type FaultKind, faultKinds, saidByTheProgram } from './faults.ts'
import { tryEveryGuard } from './every-guard.ts'
import { seedsThatReach } from './guard-worlds.ts'
import { guards } from './guards.ts'
import { simulateSideBySide } from './side-by-side.ts'
import type { SimulationReport } from './simulate.ts'
import { disarm } from './without-guard.ts'

/** In this many worlds every kind of fault surely happens. */
const enoughSeeds = 100

const usage = `node test/simulation/run.ts [--seeds N] [--from SEED] [--trace] [--without GUARD]
node test/simulation/run.ts --every-guard [--seeds N] [--from SEED] [--keep]
node test/simulation/run.ts --guards

Runs seeded worlds, as many side by side as there are cores, up to the first that breaks an invariant. --trace prints every event; --without leaves
one guard out of the program, to see that an invariant breaks, and runs only the worlds in which it has something to decide; --guards lists them. --every-guard does so with each in turn and prints a table of
the first worlds that broke; --keep puts its rows into docs/simulation.md.
Exit codes: 0 everything was kept, 1 an invariant was broken, a kind of fault never happened in ${enoughSeeds} seeds or more,
or no world broke without a guard; 2 the arguments are wrong.
`

function refuse(reason: string): never {
  process.stderr.write(`${reason}\n\n${usage}`)
  process.exit(2)
}

function argumentsOf() {
  try {
    const { values } = parseArgs({
      options: {
        seeds: { type: 'string', default: '100' },
        from: { type: 'string', default: '1' },
        trace: { type: 'boolean', default: false },
        guards: { type: 'boolean', default: false },
        'every-guard': { type: 'boolean', default: false },
        keep: { type: 'boolean', default: false },
        without: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    })
    return values
  } catch (error) {
    refuse((error as Error).message)
  }
}

const values = argumentsOf()
if (values.help) {
  process.stdout.write(usage)
  process.exit(0)
}
if (values.guards) {
  const width = Math.max(...guards.map(({ name }) => name.length))
  for (const { name, protects, file } of guards) process.stdout.write(`${name.padEnd(width)}  ${protects} (src/${file})\n`)
  process.exit(0)
}
const seeds = Number(values.seeds)
const from = Number(values.from)
if (!/^\d{1,9}$/.test(values.seeds) || seeds < 1 || !/^\d{1,9}$/.test(values.from)) refuse('--seeds and --from are whole numbers')
const guard = guards.find(({ name }) => name === values.without)
if (values.without !== undefined && guard === undefined) refuse(`there is no guard ${values.without}; --guards lists them`)

const faults = new Map<FaultKind, number>()
const sums = { commits: 0, conflicts: 0, rowsChecked: 0, elapsedMs: 0 }
const startedMs = performance.now()

function tell(report: SimulationReport, done: number): void {
  for (const [kind, count] of report.faults) faults.set(kind, (faults.get(kind) ?? 0) + count)
  for (const key of Object.keys(sums) as (keyof typeof sums)[]) sums[key] += report[key]
  if (done % 25 === 0) process.stdout.write(`${done} of ${all.length} seeds, ${sums.commits} commits, ${sums.rowsChecked} rows checked\n`)
}

function tellSums(done: number): void {
  const seconds = (performance.now() - startedMs) / 1000
  process.stdout.write(`${done} seeds in ${seconds.toFixed(1)} s: ${(sums.elapsedMs / 3_600_000).toFixed(1)} simulated hours, `)
  process.stdout.write(`${sums.commits} commits, ${sums.conflicts} conflicts, ${sums.rowsChecked} rows checked\n`)
  for (const kind of faultKinds) process.stdout.write(`${String(faults.get(kind) ?? 0).padStart(9)}  ${kind}\n`)
}

/** Every event of every world, as it happens. */
async function* traced(all: readonly number[]): AsyncGenerator<SimulationReport> {
  if (guard !== undefined) disarm(guard)
  const { simulate } = await import('./simulate.ts')
  for (const seed of all) yield await simulate(seed, { onEvent: (line) => process.stdout.write(`${line}\n`) })
}

const drawn = Array.from({ length: seeds }, (_, i) => from + i)
const all = guard === undefined ? drawn : seedsThatReach(guard.name, drawn)
if (values['every-guard']) {
  const unbroken = await tryEveryGuard(all, values.keep)
  if (unbroken.length > 0) process.stderr.write(`no world broke without ${unbroken.join(', ')}\n`)
  process.exit(unbroken.length === 0 ? 0 : 1)
}
for await (const report of values.trace ? traced(all) : simulateSideBySide(all, guard?.name ?? null)) {
  const { seed } = report
  const done = all.indexOf(seed) + 1
  tell(report, done)
  if (report.broken === null) continue
  tellSums(done)
  const without = guard === undefined ? '' : ` --without ${guard.name}`
  process.stderr.write(`seed: ${seed}\ninvariant: ${report.broken.invariant}\ndetail: ${report.broken.detail}\n`)
  process.stderr.write(`replay: npm run simulate -- --seeds 1 --from ${seed}${without} --trace\n`)
  process.exit(1)
}

tellSums(all.length)
const missing = faultKinds.filter((kind) => !faults.has(kind) && !saidByTheProgram.has(kind))
if (missing.length > 0 && guard === undefined) {
  process.stderr.write(`never happened: ${missing.join(', ')}\n`)
  if (seeds >= enoughSeeds) process.exit(1)
}
