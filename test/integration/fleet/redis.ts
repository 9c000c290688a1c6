import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { freePort, install } from '../servers.ts'

/** A real Redis on loopback that keeps nothing when it is killed; a test may kill it and start it again on the same port. */
export interface TestRedis {
  readonly port: number
  readonly url: string
  /** Empty at first; removed at the end. */
  readonly directory: string
  /** What redis-cli prints for a command. */
  cli(...command: string[]): Promise<string>
  kill(): Promise<void>
  start(): Promise<void>
  stop(): Promise<void>
}

export interface RedisServerOptions {
  /** Words of the command line after the usual ones; they get the directory. */
  readonly args?: (directory: string) => readonly string[]
  /** Words for redis-cli, where it has to show who it is. */
  readonly cli?: readonly string[]
  readonly port?: number
  /** A file to start with; default: none. It may be written by the server. */
  readonly sentinelOf?: string
}

/** Starts redis-server, installed where it is missing. */
export async function startRedis({ args, cli = [], port: wanted, sentinelOf }: RedisServerOptions = {}): Promise<TestRedis> {
  await install('redis')
  const directory = await mkdtemp(join(tmpdir(), 'redis-'))
  const port = wanted ?? (await freePort())
  let child: ChildProcess | null = null

  async function ask(...command: string[]): Promise<string> {
    return (await promisify(execFile)('redis-cli', ['-p', String(port), ...cli, ...command])).stdout.trim()
  }

  async function start(): Promise<void> {
    const own = ['--bind', '127.0.0.1', '--port', String(port), '--dir', directory]
    const words = sentinelOf === undefined ? [...own, '--save', '', '--appendonly', 'no'] : [sentinelOf, '--sentinel', ...own]
    child = spawn('redis-server', [...words, ...(args?.(directory) ?? [])], { stdio: 'ignore' })
    for (let tries = 0; tries < 600; tries++) {
      if (/PONG|NOAUTH/.test(await ask('PING').catch(() => ''))) return
      await sleep(100)
    }
    throw new Error('redis-server did not start within a minute')
  }

  async function kill(): Promise<void> {
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }

  await start()
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    directory,
    cli: ask,
    kill,
    start,
    async stop() {
      await kill()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
