import { parseArgs } from 'node:util'
import { type FaultKind, faultKinds, saidByTheProgram } from './faults.ts'
import { simulate } from './simulate.ts'

/** `node test/simulation/run.ts --seeds N [--from SEED] [--trace]`: runs seeds one after another, up to the first that breaks something. */
const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '100' },
    from: { type: 'string', default: '1' },
    trace: { type: 'boolean', default: false },
  },
})
const seeds = Number(values.seeds)
const from = Number(values.from)
if (!Number.isInteger(seeds) || seeds < 1 || !Number.isInteger(from)) {
  process.stderr.write('expected --seeds and --from to be whole numbers\n')
  process.exit(2)
}

const faults = new Map<FaultKind, number>()
const sums = { commits: 0, conflicts: 0, rowsChecked: 0, elapsedMs: 0 }
const startedMs = performance.now()
for (let seed = from; seed < from + seeds; seed++) {
  const report = await simulate(seed, values.trace ? { onEvent: (line) => process.stdout.write(`${line}\n`) } : {})
  for (const [kind, count] of report.faults) faults.set(kind, (faults.get(kind) ?? 0) + count)
  for (const key of Object.keys(sums) as (keyof typeof sums)[]) sums[key] += report[key]
  if (report.broken !== null) {
    process.stderr.write(`seed ${seed}: ${report.broken.detail}\n`)
    process.stderr.write(`replay: node test/simulation/run.ts --seeds 1 --from ${seed} --trace\n`)
    process.exit(1)
  }
  const done = seed - from + 1
  if (done % 25 === 0) process.stdout.write(`${done} of ${seeds} seeds, ${sums.commits} commits, ${sums.rowsChecked} rows checked\n`)
}

const seconds = (performance.now() - startedMs) / 1000
process.stdout.write(`${seeds} seeds in ${seconds.toFixed(1)} s: ${(sums.elapsedMs / 3_600_000).toFixed(1)} simulated hours, `)
process.stdout.write(`${sums.commits} commits, ${sums.conflicts} conflicts, ${sums.rowsChecked} rows checked\n`)
for (const kind of faultKinds) process.stdout.write(`${String(faults.get(kind) ?? 0).padStart(9)}  ${kind}\n`)
const missing = faultKinds.filter((kind) => !faults.has(kind) && !saidByTheProgram.has(kind))
if (missing.length > 0) {
  process.stderr.write(`never happened: ${missing.join(', ')}; more seeds are needed, or the simulation has lost them\n`)
  process.exit(1)
}
