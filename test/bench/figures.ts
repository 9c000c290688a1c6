import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, release, totalmem } from 'node:os'

/** One measured number, as `--json` writes it. `goal`: a comparator and a number. */
export interface Figure {
  readonly name: string
  readonly value: number
  readonly unit: string
  readonly goal: string
}

/** What the bench must give: names, units and goals, in the order of the report. docs/bench.md says what each one is. */
export const named = [
  { name: 'hot-path', unit: '× native', goal: '>= 1.0' },
  { name: 'hot-path-shuffled', unit: '× native', goal: '>= 0.5' },
  { name: 'hot-path-unknown-fields', unit: '× native', goal: '>= 0.5' },
  { name: 'hot-path-zstd', unit: '× native', goal: '>= 0.85' },
  { name: 'hot-path-lz4', unit: '× native', goal: '>= 0.85' },
  { name: 'hot-path-raw', unit: '× native', goal: '>= 0.75' },
  { name: 'hot-path-other', unit: '× hot-path', goal: '>= 0.8' },
  { name: 'worker-peak-memory', unit: 'MB', goal: '<= 350' },
  { name: 'two-workers', unit: '× one', goal: '>= 1.8' },
  { name: 'service-64mib', unit: '× native', goal: '>= 0.9' },
  { name: 'service-4mib', unit: '× native', goal: '>= 0.6' },
  { name: 'small-segments-cpu', unit: 's CPU', goal: '<= 1.5' },
  { name: 'small-segments-requests', unit: 'requests per segment', goal: '<= 1.2' },
  { name: 'small-segments-files', unit: 'data files', goal: '<= 4' },
  { name: 'get-8kb', unit: 'ms CPU', goal: '<= 0.45' },
  { name: 'first-row', unit: 's', goal: '<= 2' },
] as const

export type FigureName = (typeof named)[number]['name']

/** The figures that were measured, in their order, and the names of those that were not or are no number. */
export function figures(measured: ReadonlyMap<string, number>): { readonly figures: Figure[]; readonly missing: string[] } {
  const all = named.map(({ name, unit, goal }) => ({ name, value: rounded(measured.get(name) ?? Number.NaN), unit, goal }))
  const isMeasured = ({ value }: Figure) => Number.isFinite(value)
  return { figures: all.filter(isMeasured), missing: all.filter((figure) => !isMeasured(figure)).map(({ name }) => name) }
}

/** Whether a value keeps a goal. Throws an Error for a goal that is no comparator and number. */
export function isMet(value: number, goal: string): boolean {
  const [, comparator, bound] = /^(>=|<=) (\d+(?:\.\d+)?)$/.exec(goal) ?? []
  if (bound === undefined) throw new Error(`goal "${goal}": expected ">= N" or "<= N"`)
  return comparator === '>=' ? value >= Number(bound) : value <= Number(bound)
}

/** A line for a person for each figure. */
export function reportLines(all: readonly Figure[]): string[] {
  const width = Math.max(...all.map(({ name }) => name.length))
  return all.map(({ name, value, unit, goal }) => {
    const verdict = isMet(value, goal) ? 'ok' : 'MISSED'
    return `${name.padEnd(width)}  ${value.toLocaleString('en').padStart(9)}  ${goal.padEnd(10)}  ${verdict.padEnd(6)}  ${unit}`
  })
}

/** The table of the figures for docs/bench.md. */
export function markdownLines(all: readonly Figure[]): string[] {
  const rows = all.map(
    ({ name, value, unit, goal }) =>
      `| \`${name}\` | ${value.toLocaleString('en')} ${unit} | ${goal} | ${isMet(value, goal) ? 'met' : '**missed**'} |`,
  )
  return ['| Figure | Measured | Goal | |', '| --- | --- | --- | --- |', ...rows]
}

/** The machine, in one line. */
export function machine(): string {
  const gibibytes = Math.round(totalmem() / 2 ** 30)
  return `${cpus()[0]?.model ?? process.arch}, ${availableParallelism()} cores, ${gibibytes} GiB, ${system()} (kernel ${release()}), Node ${process.versions.node}`
}

function system(): string {
  try {
    return /^PRETTY_NAME="?([^"\n]+)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? process.platform
  } catch {
    return process.platform
  }
}

/** Four significant digits are more than a measurement keeps from run to run. */
function rounded(value: number): number {
  return Number(value.toPrecision(4))
}
