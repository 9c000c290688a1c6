import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import { golden, program } from './program.ts'

const scratch = mkdtempSync(join(tmpdir(), 'backfill-'))
afterAll(() => rmSync(scratch, { recursive: true }))

// Many starts of the program in one test.
vi.setConfig({ testTimeout: 180_000 })

const document = `apiVersion: kafscale.io/v1
kind: IcebergProcessor
metadata: {name: local}
spec:
  source: {topics: [g-none], directory: segments, graceSeconds: 0, startAt: latest}
`

/** A directory with segments, a table that begins behind them, and prices by which a GET costs 1 USD. */
async function workspace(graceSeconds = 0) {
  const cwd = mkdtempSync(join(scratch, 'in-'))
  cpSync(join(golden, 'g-none'), join(cwd, 'segments', 'g-none'), { recursive: true })
  writeFileSync(join(cwd, 'spec.yaml'), document)
  writeFileSync(join(cwd, 'dear.json'), '{"getsPerThousand": 1000}')
  expect(await program(['run', '-f', 'spec.yaml', '--once'], { cwd })).toMatchObject({ code: 0 })
  writeFileSync(join(cwd, 'spec.yaml'), document.replace('graceSeconds: 0', `graceSeconds: ${graceSeconds}`))
  return (...args: string[]) => program(['backfill', '-f', 'spec.yaml', '--topic', 'g-none', ...args], { cwd })
}

test('what costs more than the limit is not begun without --yes, and estimate and actual stand side by side at the end', async () => {
  const backfill = await workspace()
  const dear = ['--all', '--prices', 'dear.json']
  const refused = await backfill(...dear)
  expect(refused.code).toBe(2)
  expect(refused.stderr).toBe('This costs about 12.00 USD, more than 10: say --yes, or a higher --limit.\n')
  expect(refused.stdout).toMatch(/GET +12\n/)
  const asJson = await backfill(...dear, '--limit', '11.99', '--json')
  expect(asJson.code).toBe(2)
  expect(JSON.parse(asJson.stdout)).toMatchObject({
    ok: false,
    outcome: null,
    refused: expect.stringContaining('more than 11.99') as string,
  })
  expect(await backfill(...dear, '--dry-run')).toMatchObject({ code: 0, stderr: '' })
  expect((await backfill('--list')).stdout).toBe('The table remembers no backfill of g-none.\n')

  const done = await backfill(...dear, '--yes')
  expect({ code: done.code, stderr: done.stderr }).toEqual({ code: 0, stderr: '' })
  for (const [what, count] of Object.entries({ segments: '12', GET: '12', LIST: String.raw`\d+` })) {
    expect(done.stdout).toMatch(new RegExp(String.raw`^  ${what} +(${count}) +\1$`, 'm'))
  }
  expect(done.stdout).toMatch(/^ {2}PUT +~(\d+) +\1$/m)
  expect(done.stdout).toMatch(/^ {2}time +~1 s +\d+ m?s$/m)
  expect((await backfill('--list')).stdout).toMatch(/done +a command/)
  expect((await backfill(...dear)).stdout).toContain('nothing is left to do')
})

test('one of which nothing is left, since who brought it was killed before it said so, is done when it is asked for again', async () => {
  const backfill = await workspace()
  const few = ['--from', '0', '--to', '5']
  expect(await backfill(...few, '--detach')).toMatchObject({ code: 0, stderr: '' })
  expect(await backfill('--all')).toMatchObject({ code: 0, stderr: '' })
  expect((await backfill('--list')).stdout).toMatch(/active +the service/)
  const again = await backfill(...few)
  expect(again).toMatchObject({ code: 0, stderr: '' })
  expect(again.stdout).toContain('nothing is left to do')
  expect((await backfill('--list')).stdout).not.toContain('active')
})

test('without bounds nothing starts, and what does not go together is refused', async () => {
  const cwd = mkdtempSync(join(scratch, 'in-'))
  writeFileSync(join(cwd, 'spec.yaml'), document)
  for (const [args, words] of [
    [[], 'say what is wanted: --from and --to, --missing, or --all'],
    [['--partitions', '0'], 'say what is wanted'],
    [['--all', '--from', '3'], '--all is everything'],
    [['--from', '20', '--to', '20'], '--to: it is not behind --from'],
    [['--all', '--detach', '--workers', '1'], '--detach: the service works as its own document says'],
    [['--from', '2026-01-02', '--to', '2026-01-01'], '--to: it is not behind --from'],
    [['--rebuild', '--from', '3'], '--rebuild is everything'],
    [['--all', '--limit', 'much'], '--limit: expected an amount of money'],
    [['--all', '--bytes-per-second', '0'], '--bytes-per-second: expected a whole number above 0'],
  ] as const) {
    const { code, stderr } = await program(['backfill', '-f', 'spec.yaml', '--topic', 'g-none', ...args], { cwd })
    expect({ args, code, stderr }).toEqual({ args, code: 2, stderr: expect.stringContaining(words) as string })
  }
})

test('what is too young to be read is not said to be missing, and stops the command each time', async () => {
  const backfill = await workspace(3600)
  for (const words of ['GET', 'nothing can be read yet: of 3 topic-partitions a segment is younger than source.graceSeconds']) {
    const { code, stdout } = await backfill('--all')
    expect({ code, stdout }).toEqual({ code: 1, stdout: expect.stringContaining(words) as string })
    expect(stdout).toContain('is younger than source.graceSeconds, so that it may still be written again')
    expect(stdout).not.toContain('missing')
  }
  expect((await backfill('--list')).stdout).toMatch(/active +a command/)
})

test('a table beside the live one is made and remembered by itself, and how it takes its place is said', async () => {
  const backfill = await workspace()
  const into = ['--into', 'anew']
  const made = await backfill('--all', ...into)
  expect({ code: made.code, stderr: made.stderr }).toEqual({ code: 0, stderr: '' })
  expect(made.stdout).toMatch(/^ {2}PUT +~(\d+) +\1$/m)
  for (const line of [
    "default.anew has what was asked for of g-none, up to when this began. Once it has all that it should have, of each topic of default.g_none, name it in the document to put it in the live table's place:",
    '  mappings: [{topic: g-none, table: anew}]',
    '  ALTER TABLE default.g_none RENAME TO default.g_none_before;',
    '  ALTER TABLE default.anew RENAME TO default.g_none;',
  ]) {
    expect(made.stdout.split('\n')).toContain(line)
  }
  expect((await backfill('--list', ...into)).stdout).toMatch(/done +a command/)
  expect((await backfill('--list')).stdout).toBe('The table remembers no backfill of g-none.\n')
  expect(await backfill('--all', '--into', 'g_none')).toMatchObject({
    code: 2,
    stderr: 'error: --into: g_none is a table of the document already; name another one, or leave --into out\n',
  })
})

test('of a part of the partitions only that is brought in, where the limit is high enough without a question', async () => {
  const backfill = await workspace()
  const dry = JSON.parse((await backfill('--all', '--partitions', '0-1,2', '--dry-run', '--json')).stdout) as { bill: { ranges: object } }
  expect(Object.keys(dry.bill.ranges)).toEqual(['0', '1', '2'])
  const asked = ['--from', '0', '--partitions', '0,2', '--prices', 'dear.json', '--limit', '9', '--json']
  const part = JSON.parse((await backfill(...asked)).stdout) as { bill: { ranges: object }; outcome: string }
  expect([Object.keys(part.bill.ranges), part.outcome]).toEqual([['0', '2'], 'done'])
  expect(await backfill('--all', '--partitions', '7')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('has no partition 7') as string,
  })
})
