import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { install } from '../integration/servers.ts'
import { failuresOf } from './faults.ts'

const usage = `node test/chaos/run.ts --seconds N [--seed S]

Real processes, S3 server, Redis and REST catalog: everything is killed, stopped, cut and filled up for N seconds while segments are
written; then all must be in the tables once. Linux only: the servers' disk is a tmpfs in a namespace of its own, and everything that
is started ends with this process.
Exit codes: 0 all is there once, 1 something is not, or a kind of fault was never injected, 2 the arguments are wrong.
`

function argumentsOf(): { seconds: number; seed: number } {
  try {
    const { values } = parseArgs({ options: { seconds: { type: 'string', default: '60' }, seed: { type: 'string' } } })
    const seed = values.seed ?? String(Date.now() % 1_000_000_000)
    if (!/^[1-9]\d{0,5}$/.test(values.seconds) || !/^\d{1,9}$/.test(seed)) throw new Error('--seconds and --seed are whole numbers')
    return { seconds: Number(values.seconds), seed: Number(seed) }
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${usage}`)
    process.exit(2)
  }
}

const { seconds, seed } = argumentsOf()
const directory = process.env.CHAOS_DISK

/** Runs this file again where a disk can be mounted and where every process ends with the first one. */
async function withinNamespaces(): Promise<void> {
  await install('versitygw', 'rest-catalog', 'redis')
  const disk = mkdtempSync(join(tmpdir(), 'chaos-'))
  const isRoot = process.getuid?.() === 0
  const namespaces = ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc', ...(isRoot ? [] : ['--map-root-user'])]
  const script = 'mount -t tmpfs -o size=4g chaos "$CHAOS_DISK" || exit 3; "$@"; exit $?'
  const command = [process.execPath, import.meta.filename, '--seconds', String(seconds), '--seed', String(seed)]
  const child = spawn('unshare', [...namespaces, 'bash', '-c', script, 'chaos', ...command], {
    stdio: 'inherit',
    env: { ...process.env, CHAOS_DISK: disk },
  })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill('SIGKILL'))
  child.on('error', (error) => {
    process.stderr.write(`chaos needs unshare, of util-linux: ${error.message}\n`)
    process.exitCode = 1
  })
  child.on('close', (code) => {
    rmSync(disk, { recursive: true, force: true })
    if (code === 3)
      process.stderr.write('no tmpfs can be mounted here, so the disk can not be filled: run as root, or allow user namespaces\n')
    process.exitCode = code === 0 || code === 2 ? code : 1
  })
}

async function main(disk: string): Promise<void> {
  const { chaos } = await import('./chaos.ts')
  const startedMs = Date.now()
  const tell = (line: string) => process.stdout.write(`${((Date.now() - startedMs) / 1000).toFixed(1).padStart(7)}  ${line}\n`)
  tell(`seed ${seed}, ${execFileSync('uname', ['-sr']).toString().trim()}`)
  const { faults, commits, conflicts, rowsChecked, endings, problems } = await chaos(disk, seconds, seed, tell)
  for (const ending of endings) process.stdout.write(`started again: ${ending}\n`)
  process.stdout.write(`${seconds} s of chaos: ${commits} commits, ${conflicts} conflicts, ${rowsChecked} rows checked\n`)
  for (const [kind, count] of faults) process.stdout.write(`${String(count).padStart(9)}  ${kind}\n`)
  const failures = failuresOf({ faults, commits, rowsChecked, problems })
  for (const failure of failures) process.stderr.write(`${failure}\n`)
  process.exit(failures.length > 0 ? 1 : 0)
}

if (directory === undefined) await withinNamespaces()
else await main(directory)
