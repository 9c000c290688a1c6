import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { rowOf, withRow } from './every-guard.ts'
import { seedsThatReach, worldsOf } from './guard-worlds.ts'
import { guards } from './guards.ts'
import { simulateSideBySide } from './side-by-side.ts'
import { sourceWithout } from './without-guard.ts'

function simulate(...args: string[]) {
  return spawnSync(process.execPath, [join(import.meta.dirname, 'run.ts'), ...args], { encoding: 'utf8' })
}

test.each(guards)('the text of the guard $name stands once in its file, and what replaces it is another', (guard) => {
  expect(sourceWithout(guard)).not.toContain(guard.text)
})

test('each guard has worlds that reach it, and those that not all reach are guards', () => {
  const seeds = Array.from({ length: 60 }, (_, i) => i + 1)
  for (const { name } of guards) expect(seedsThatReach(name, seeds), name).not.toEqual([])
  expect(guards.map(({ name }) => name)).toEqual(expect.arrayContaining(Object.keys(worldsOf)))
  expect(seedsThatReach('rebuild-asserts-main', seeds).length).toBeLessThan(seeds.length)
})

const page = readFileSync(join(import.meta.dirname, '../../docs/simulation.md'), 'utf8')
/** The cells of the rows of the table of guards. */
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) => line.split(' | '))

test('the table of guards in the docs has each of them once, as it is, in cells of its own', () => {
  for (const [i, cells] of rows.entries()) {
    expect(cells, cells[0]).toHaveLength(5)
    expect(Number(cells[3]), cells[0]).toBeLessThan(500)
    expect(cells[4], cells[0]).toMatch(/^\w.+ \|$/)
    expect(rowOf(guards[i], cells[3], cells[4].replace(/ \|$/, ''))).toBe(cells.join(' | '))
  }
  expect(rows).toHaveLength(guards.length)
})

test('a row takes the place of the one that was there, or is the last one', () => {
  const [first, ...others] = guards
  const changed = withRow(page, first, rowOf(first, '7', 'nothing is lost'))
  expect(changed.split('\n').filter((line) => !page.includes(line))).toEqual([rowOf(first, '7', 'nothing is lost')])
  const last = { ...first, name: 'another' }
  const longer = withRow(changed, last, rowOf(last, '8', 'nothing is lost')).split('\n')
  expect(longer.indexOf(rowOf(last, '8', 'nothing is lost')) - longer.indexOf(rowOf(first, '7', 'nothing is lost'))).toBe(others.length + 1)
})

test('a guard whose text is not there, or is there twice, is refused', () => {
  const guard = { name: 'never', protects: 'nothing', file: 'pipeline/flow.ts', text: 'if (safe)', without: '' }
  expect(() => sourceWithout(guard, 'if (sound)')).toThrow('stands 0 times')
  expect(() => sourceWithout(guard, 'if (safe) if (safe)')).toThrow('stands 2 times')
})

test('nothing is told of worlds after the first that broke', async () => {
  const told: unknown[] = []
  for await (const { seed, broken } of simulateSideBySide([1, 2, 3], 'unique-file-names')) told.push([seed, broken?.invariant])
  expect(told).toEqual([[1, 'no file is written twice']])
})

test('without a guard, a seed and the invariant that it broke are named, and the exit code is 1', () => {
  const { status, stderr } = simulate('--seeds', '5', '--without', 'unique-file-names')
  expect(stderr).toMatch(/^seed: \d+\ninvariant: no file is written twice\n/)
  expect(stderr).toMatch(/replay: npm run simulate -- --seeds 1 --from \d+ --without unique-file-names --trace/)
  expect(status).toBe(1)
}, 60_000)

test('guards are listed by name, and an unknown one is refused', () => {
  const { status, stdout } = simulate('--guards')
  expect(stdout.match(/^[a-z-]+/gm)).toEqual(guards.map(({ name }) => name))
  expect(status).toBe(0)
  const unknown = simulate('--without', 'hope')
  expect(unknown.stderr).toContain('there is no guard hope')
  expect(unknown.status).toBe(2)
}, 60_000)
