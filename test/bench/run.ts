import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type FigureName, figures, machine, markdownLines, named } from './figures.ts'
import { measurements } from './measurements.ts'

const { values: options } = parseArgs({
  options: {
    json: { type: 'string' },
    /** Draws the columns of the second workload. */
    seed: { type: 'string', default: '42' },
    records: { type: 'string', default: '1000000' },
    /** Names of figures, with commas: the others are missing then. */
    only: { type: 'string' },
  },
})

const wanted = options.only?.split(',') ?? named.map(({ name }) => name)
const unknown = wanted.filter((name) => !named.some((figure) => figure.name === name))
if (unknown.length > 0) throw new Error(`--only: there is no figure ${unknown.join(', ')}`)

const scratch = await mkdtemp(join(tmpdir(), 'bench-'))
const measured = new Map<FigureName, number>()
const measure = measurements({ scratch, seed: Number(options.seed), records: Number(options.records) })
console.log(`${machine()}\n${['npm run bench --', ...process.argv.slice(2)].join(' ')}`)
try {
  for (const { name } of named) {
    if (!wanted.includes(name)) continue
    console.log(`\n${name}  (${(performance.now() / 1000).toFixed(0)} s, load ${loadavg()[0].toFixed(1)})`)
    try {
      measured.set(name, await measure[name]())
    } catch (error) {
      console.error(`${name}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
} finally {
  await rm(scratch, { recursive: true, force: true })
}
const { figures: all, missing } = figures(measured)
if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(all, null, 2)}\n`)
console.log(`\n${markdownLines(all).join('\n')}`)
if (missing.length > 0) {
  console.error(`\nnot measured: ${missing.join(', ')}`)
  process.exitCode = 1
}
