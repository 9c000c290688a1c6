import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type KillableServer, startKillable } from '../killable-server.ts'
import { freePort, install } from '../servers.ts'

/** A real Redis on loopback that keeps nothing when it is killed; a test may kill it and start it again on the same port. */
export interface TestRedis extends KillableServer {
  readonly port: number
  readonly url: string
  /** Empty at first; removed at the end. */
  readonly directory: string
  /** What redis-cli prints for a command. */
  cli(...command: string[]): Promise<string>
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

  async function ask(...command: string[]): Promise<string> {
    return (await promisify(execFile)('redis-cli', ['-p', String(port), ...cli, ...command])).stdout.trim()
  }

  const own = ['--bind', '127.0.0.1', '--port', String(port), '--dir', directory]
  const words = sentinelOf === undefined ? [...own, '--save', '', '--appendonly', 'no'] : [sentinelOf, '--sentinel', ...own]
  const isUp = async () => /PONG|NOAUTH/.test(await ask('PING').catch(() => ''))
  const { start, kill } = await startKillable('redis-server', [...words, ...(args?.(directory) ?? [])], isUp)
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
