import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'

/** A server of a test's own, which may kill it and start it again as it was. */
export interface KillableServer {
  start(): Promise<void>
  /** Does nothing where it does not run. */
  kill(): Promise<void>
}

/** Starts a program of the path, and waits until `isUp`. Throws where it ends before, or takes more than three minutes. */
export async function startKillable(program: string, args: readonly string[], isUp: () => Promise<boolean>): Promise<KillableServer> {
  let child: ChildProcess | null = null

  async function start(): Promise<void> {
    const started = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    child = started
    let said = ''
    for (const stream of [started.stdout, started.stderr]) stream.on('data', (chunk) => (said = `${said}${chunk}`.slice(-2000)))
    for (let tries = 0; tries < 1800; tries++) {
      if (started.exitCode !== null) throw new Error(`${program} ended with exit code ${started.exitCode}: ${said}`)
      if (await isUp()) return
      await sleep(100)
    }
    throw new Error(`${program} did not start within three minutes: ${said}`)
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
