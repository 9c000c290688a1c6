import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { faultKinds, saidByTheProgram } from './faults.ts'

/** `npm run simulate` over worlds of which nothing is run: in each these kinds of fault happened once, and nothing broke. */
function simulated(kinds: readonly string[], seeds: number): { readonly status: number | null; readonly stderr: string } {
  const worlds = `export async function* simulateSideBySide(seeds) {
    const faults = new Map(${JSON.stringify(kinds.map((kind) => [kind, 1]))})
    for (const seed of seeds) yield { seed, faults, broken: null, commits: 1, conflicts: 0, rowsChecked: 1, elapsedMs: 1 }
  }`
  const hook = `import { registerHooks } from 'node:module'
    registerHooks({ load: (url, context, next) => url.endsWith('/side-by-side.ts')
      ? { format: 'module', source: ${JSON.stringify(worlds)}, shortCircuit: true } : next(url, context) })`
  const words = [
    '--import',
    `data:text/javascript,${encodeURIComponent(hook)}`,
    join(import.meta.dirname, 'run.ts'),
    '--seeds',
    String(seeds),
  ]
  return spawnSync(process.execPath, words, { encoding: 'utf8' })
}

test('a run of 100 seeds fails where a kind of fault never happened in any; of fewer it is only said', () => {
  expect(simulated(faultKinds, 100)).toMatchObject({ status: 0, stderr: '' })
  for (const never of ['queue-flushed', 'foreign-rollback'] as const) {
    const others = faultKinds.filter((kind) => kind !== never)
    expect(simulated(others, 100)).toMatchObject({ status: 1, stderr: `never happened: ${never}\n` })
    expect(simulated(others, 99)).toMatchObject({ status: 0, stderr: `never happened: ${never}\n` })
  }
  expect(
    simulated(
      faultKinds.filter((kind) => !saidByTheProgram.has(kind)),
      100,
    ),
  ).toMatchObject({ status: 0, stderr: '' })
})
