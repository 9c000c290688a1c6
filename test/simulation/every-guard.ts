import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Guard, guards } from './guards.ts'
import { seedsThatReach } from './guard-worlds.ts'
import { simulateSideBySide } from './side-by-side.ts'

const page = join(import.meta.dirname, '../../docs/simulation.md')
const head = ['| Guard | What it keeps | Where | Seed that breaks without it | What breaks |', '| --- | --- | --- | --- | --- |']

/** The first world that breaks without a guard, and what broke there; null: none of them did. */
interface Broken {
  readonly seed: number
  readonly invariant: string
}

/**
 * Runs those worlds of `seeds` that have something for it to decide without each guard in turn, up to the first that breaks, and prints a row of a table for each. `keep`: the guard's row in
 * docs/simulation.md becomes this one. Returns the names of the guards without which no world broke.
 */
export async function tryEveryGuard(seeds: readonly number[], keep: boolean): Promise<readonly string[]> {
  const unbroken: string[] = []
  for (const line of head) process.stdout.write(`${line}\n`)
  for (const guard of guards) {
    const broken = await firstBroken(guard, seeds)
    if (broken === null) unbroken.push(guard.name)
    const row = rowOf(guard, broken === null ? `none of ${seeds.length}` : String(broken.seed), broken?.invariant ?? '')
    process.stdout.write(`${row}\n`)
    if (keep) writeFileSync(page, withRow(readFileSync(page, 'utf8'), guard, row))
  }
  return unbroken
}

async function firstBroken({ name }: Guard, seeds: readonly number[]): Promise<Broken | null> {
  for await (const { seed, broken } of simulateSideBySide(seedsThatReach(name, seeds), name))
    if (broken !== null) return { seed, invariant: broken.invariant }
  return null
}

/** The guard's row of the table. */
export function rowOf({ name, protects, file }: Guard, seed: string, invariant: string): string {
  return `| \`${name}\` | ${protects} | \`src/${file}\` | ${seed} | ${invariant} |`
}

/** The text with the guard's row in its table of guards, in the place of the one that was there or as the last. */
export function withRow(text: string, { name }: Guard, row: string): string {
  const lines = text.split('\n')
  const start = lines.indexOf(head[0])
  if (start < 0) throw new Error(`docs/simulation.md has no line ${head[0]}`)
  const end = lines.findIndex((line, i) => i > start && !line.startsWith('|'))
  const known = lines.findIndex((line, i) => i > start && i < end && line.startsWith(`| \`${name}\` |`))
  return known < 0 ? lines.toSpliced(end, 0, row).join('\n') : lines.with(known, row).join('\n')
}
