import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const bin = join(import.meta.dirname, '../../src/bin.js')

/** A place in the fleet: whoever dies there is followed by another process of its role. */
interface Post {
  readonly role: string
  child: ChildProcess
  log: string[]
}

/** Lines of a process's log that are kept for when something is broken. */
const keptLines = 200

/** The program's processes, each restarted when it ends, as an orchestrator does. */
export class Fleet {
  readonly #document: string
  readonly #posts: Post[] = []
  #closing = false
  /** Processes that ended without being killed, with their last line. */
  readonly endings: string[] = []
  /** Commits that met another's. */
  conflicts = 0

  constructor(document: string, roles: readonly string[]) {
    this.#document = document
    for (const role of roles) {
      const post = { role, log: [] } as unknown as Post
      this.#posts.push(post)
      this.#start(post)
    }
  }

  /** SIGKILL to a process of the role. */
  kill(role: string, pick: <T>(from: readonly T[]) => T): void {
    pick(this.#of(role)).child.kill('SIGKILL')
  }

  /** A process of the role stands still and goes on as if nothing had been. */
  async standStill(role: string, ms: number, pick: <T>(from: readonly T[]) => T): Promise<void> {
    const { child } = pick(this.#of(role))
    child.kill('SIGSTOP')
    await sleep(ms)
    child.kill('SIGCONT')
  }

  /** Stops all in good order; what does not end within `graceMs` is killed. */
  async close(graceMs: number): Promise<void> {
    this.#closing = true
    await Promise.all(
      this.#posts.map(async ({ child }) => {
        if (child.exitCode !== null || child.signalCode !== null) return
        const ended = new Promise((resolve) => child.once('exit', resolve))
        child.kill('SIGCONT')
        child.kill('SIGTERM')
        const timer = setTimeout(() => child.kill('SIGKILL'), graceMs)
        await ended
        clearTimeout(timer)
      }),
    )
  }

  /** What the processes said last. */
  lastLines(): string {
    return this.#posts.map(({ role, log }) => `── ${role}\n${log.join('\n')}`).join('\n')
  }

  #of(role: string): Post[] {
    return this.#posts.filter((post) => post.role === role)
  }

  #start(post: Post): void {
    const child = spawn(process.execPath, [bin, post.role, '-f', this.#document], { stdio: ['ignore', 'pipe', 'pipe'] })
    post.child = child
    let rest = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        const lines = (rest + text).split('\n')
        rest = lines.pop()!
        for (const line of lines) if (line.includes('commit conflict, building anew')) this.conflicts++
        post.log.push(...lines)
        post.log.splice(0, post.log.length - keptLines)
      })
    }
    child.once('exit', (code, signal) => {
      if (this.#closing) return
      if (signal === null) this.endings.push(`${post.role} ended with exit code ${code}: ${post.log.at(-1) ?? ''}`)
      setTimeout(() => this.#closing || this.#start(post), 500)
    })
  }
}
