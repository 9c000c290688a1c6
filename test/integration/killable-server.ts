import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'

/** A server of a test's own, which may kill it and start it again as it was. */
export interface KillableServer {
  start(): Promise<void>
  /** Does nothing where it does not run. */
  kill(): Promise<void>
}

/** Starts a program of the path, and waits until `isUp`. Throws where that takes more than a minute. */
export async function startKillable(program: string, args: readonly string[], isUp: () => Promise<boolean>): Promise<KillableServer> {
  let child: ChildProcess | null = null

  async function start(): Promise<void> {
    child = spawn(program, args, { stdio: 'ignore' })
    for (let tries = 0; tries < 1800; tries++) {
      if (await isUp()) return
      await sleep(100)
    }
    throw new Error(`${program} did not start within three minutes`)
  }

  async function kill(): Promise<void> {
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }

  await start()
  return { start, kill }
}
