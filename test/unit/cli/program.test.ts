import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { commands, laterCommands } from '../../../src/cli/commands.ts'
import { enumerated } from '../../../src/spec/wording.ts'
import { bin, golden, program } from './program.ts'

const available = enumerated(Object.keys(commands), 'and')

test.each(Object.keys(commands))('the help of %s has an example and what it takes', async (name) => {
  const { code, stdout, stderr } = await program([name, '--help'])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toContain(`Usage: iceberg-processor ${name}`)
  expect(stdout).toMatch(new RegExp(`Examples:\\n  .+:\\n    \\$ iceberg-processor ${name}`))
  // Where subcommands do the work, each of them takes it.
  const inner = [...stdout.matchAll(/^ {2}([a-z]+) \[options\]/gm)].map(([, sub]) => sub)
  const helps = inner.length === 0 ? [stdout] : await Promise.all(inner.map(async (sub) => (await program([name, sub, '--help'])).stdout))
  for (const help of helps) expect(help).toContain('--json')
  expect(stdout.split('\n').filter((line) => line.length > 100)).toEqual([])
})

test('the overview names every command and fits 100 columns', async () => {
  const { code, stdout } = await program(['--help'])
  expect(code).toBe(0)
  for (const name of [...Object.keys(commands), ...laterCommands]) expect(stdout).toMatch(new RegExp(`\\b${name}\\b`))
  expect(stdout.split('\n').filter((line) => line.length > 100)).toEqual([])
})

test('help for a command is the same under help and --help', async () => {
  const [one, other] = await Promise.all([program(['help', 'run']), program(['run', '-h'])])
  expect(one).toEqual(other)
})

test.each([
  [['connect', '-f', 'spec.yaml'], ''],
  [['connect', 'foo', '-f', 'spec.yaml'], ', found "foo"'],
  [['connect', 'duckbd', '-f', 'spec.yaml', 'orders'], ', found "duckbd"; did you mean duckdb?'],
])('%j says which engines there are', async (args, found) => {
  const engines = 'snowflake, databricks, trino, spark, duckdb, pyiceberg or athena'
  const stderr = `error: expected ${engines} after connect${found}; see: iceberg-processor connect --help\n`
  expect(await program(args)).toEqual({ code: 2, stdout: '', stderr })
})

test('without a command the overview comes on standard error, with exit code 2', async () => {
  const { code, stdout, stderr } = await program([])
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toContain('Usage: iceberg-processor')
})

test('the version is that of package.json', async () => {
  expect(await program(['--version'])).toEqual({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) as string, stderr: '' })
})

test.each([
  [['rum'], 'there is no command "rum"; did you mean run?'],
  [['orphan'], 'there is no command "orphan"; did you mean orphans?'],
  [['xyzzy'], `there is no command "xyzzy"; the commands are ${available}`],
  [['help', 'staus'], 'there is no command "staus"; did you mean status?'],
  [['find', '-f', 'x'], `find is not available yet; the commands of this version are ${available}`],
  [['dead-letters', '--help'], `dead-letters is not available yet; the commands of this version are ${available}`],
  [['run', '-f', 'x', '--onse'], "unknown option '--onse' (Did you mean --once?); see: iceberg-processor run --help"],
  [['--jsn'], "unknown option '--jsn'; see: iceberg-processor --help"],
  [['run'], "required option '-f, --file <spec.yaml>' not specified; see: iceberg-processor run --help"],
  [['run', '-f'], "option '-f, --file <spec.yaml>' argument missing; see: iceberg-processor run --help"],
  [['verify', '-f', 'a', '--sample', '5'], '--sample: it is about --values, which is missing'],
  [['verify', '-f', 'a', '--yes'], '--yes: it confirms --retract, which is missing'],
  [['verify', '-f', 'a', '--retract', '--accept', '7'], '--retract: what is accepted stays away, so it goes without --accept'],
  [['verify', '-f', 'a', '--from', '5'], '--from: it is about one topic; say which with --topic'],
  [['verify', '-f', 'a', '--topic', 't', '--from', '5', '--to', '5'], '--to: it is not behind --from'],
  [
    ['verify', '-f', 'a', '--from', 'yesterday'],
    '--from: expected an offset or an ISO time (such as 2024-01-01T00:00:00Z), found "yesterday"',
  ],
  [
    ['backfill', '-f', 'a', '--topic', 't', '--from', '2024-02-30'],
    '--from: expected an offset or an ISO time (the calendar or the clock has no such time), found "2024-02-30"',
  ],
  [['verify', '-f', 'a', '--to', '5'], '--to: it is about one topic; say which with --topic'],
  [['verify', '-f', 'a', '--topic', 't', '--partition', '3-1'], '--partition: expected partitions such as 0,3,8-11, found "3-1"'],
  [['backfill', '-f', 'a', '--topic', 't', '--partitions', '0,x'], '--partitions: expected partitions such as 0,3,8-11, found "0,x"'],
  [['run', '-f', 'a', '-f', 'b'], '--file is given twice, and one is expected'],
  [
    ['run', '-f', 'a', '--source-moved', 'old'],
    '--source-moved: expected the id of the source before, such as s3://bucket/prefix/ or file:///directory/, found old',
  ],
  [['validate', 'a.yaml'], "required option '-f, --file <spec.yaml>' not specified; see: iceberg-processor validate --help"],
  [['inspect', 'a', '--limit', '0'], 'expected a whole number from 1 to 2147483647 after --limit'],
])('the arguments %j are refused with one line and exit code 2', async (args, message) => {
  expect(await program(args)).toEqual({ code: 2, stdout: '', stderr: `error: ${message}\n` })
})

test('a wrong choice is refused with the choices', async () => {
  const { code, stderr } = await program(['run', '-f', 'x', '--log-level', 'loud'])
  expect(code).toBe(2)
  expect(stderr).toMatch(/--log-level.*loud.*debug, info, warn, error/)
})

test('with --json, wrong arguments are an object on standard output', async () => {
  const { code, stdout, stderr } = await program(['run', '--json'])
  expect({ code, stderr }).toEqual({ code: 2, stderr: '' })
  expect(JSON.parse(stdout)).toMatchObject({
    ok: false,
    problems: [{ path: '', message: expect.stringContaining('required option') as string }],
  })
})

test('an older Node gets told which one is needed, and where to get it', async () => {
  const old = `data:text/javascript,Object.defineProperty(process,'versions',{value:{...process.versions,node:'20.11.1'}})`
  const { code, stdout, stderr } = await program(['--version'], { node: ['--import', old] })
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toMatch(/needs Node 24 or later, and this is Node 20\.11\.1/)
  expect(stderr).toMatch(/npm ci/)
})

test('a reader that had enough ends the program quietly', async () => {
  const args = ['inspect', `${golden}/g-none/0/segment-00000000000000000000.kfs`, '--records', '--json']
  const child = spawn(process.execPath, [bin, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  child.stdout.destroy()
  const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, 'close')])
  expect({ code: code as number, stderr }).toEqual({ code: 0, stderr: '' })
})
