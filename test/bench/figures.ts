import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, release, totalmem } from 'node:os'

/** One measured number, as `--json` writes it. `goal`: a comparator and a number. */
export interface Figure {
  readonly name: string
  readonly value: number
  readonly unit: string
  readonly goal: string
}

/** What the bench must give: names, units and goals, in the order of the report. docs/bench.md says what each one is and what was measured. */
export const named = [
  { name: 'hot-path-raw-records', unit: 'records per CPU second', goal: '>= 120000' },
  { name: 'service-records', unit: 'records per CPU second', goal: '>= 75000' },
  { name: 'service-s3-records', unit: 'records per CPU second', goal: '>= 40000' },
  { name: 'worker-peak-memory', unit: 'MB', goal: '<= 1600' },
  { name: 'requests-per-segment', unit: 'GETs per segment', goal: '<= 1' },
  { name: 'object-requests-per-segment', unit: 'requests of the source per segment', goal: '<= 1.05' },
  { name: 'small-segments-files', unit: 'data files of 600 segments', goal: '<= 4' },
  { name: 'small-segments-cpu', unit: 'records per CPU second', goal: '>= 35000' },
  { name: 'first-row', unit: 's', goal: '<= 8' },
] as const

export type FigureName = (typeof named)[number]['name']

/** The figures in their order. Throws an Error that names those which are missing or are no number. */
export function figures(measured: ReadonlyMap<string, number>): Figure[] {
  const missing = named.filter(({ name }) => !Number.isFinite(measured.get(name) ?? Number.NaN)).map(({ name }) => name)
  if (missing.length > 0) throw new Error(`not measured: ${missing.join(', ')}`)
  return named.map(({ name, unit, goal }) => ({ name, value: rounded(measured.get(name)!), unit, goal }))
}

/** Whether a value keeps a goal. Throws an Error for a goal that is no comparator and number. */
export function isMet(value: number, goal: string): boolean {
  const [, comparator, bound] = /^(>=|<=) (\d+(?:\.\d+)?)$/.exec(goal) ?? []
  if (bound === undefined) throw new Error(`goal "${goal}": expected ">= N" or "<= N"`)
  return comparator === '>=' ? value >= Number(bound) : value <= Number(bound)
}

/** A table for a person, one figure a line. */
export function reportLines(all: readonly Figure[]): string[] {
  const width = Math.max(...all.map(({ name }) => name.length))
  return all.map(({ name, value, unit, goal }) => {
    const verdict = isMet(value, goal) ? 'ok' : 'MISSED'
    return `${name.padEnd(width)}  ${value.toLocaleString('en').padStart(9)}  ${goal.padEnd(10)}  ${verdict.padEnd(6)}  ${unit}`
  })
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

/** Three significant digits are more than a measurement keeps from run to run. */
function rounded(value: number): number {
  return value >= 1000 ? Math.round(value) : Number(value.toPrecision(3))
}
