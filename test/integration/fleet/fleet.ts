import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { audit } from '../kill/audit.ts'
import { type Role, type Running, startRole } from '../kill/processes.ts'
import { intoDirectory, SegmentWriter } from '../kill/segments.ts'
import { makeWorld, sqliteSink, type World } from '../kill/world.ts'

/** Processes that share a document, over segments in a directory and a SQLite catalog. */
export interface TestFleet {
  readonly world: World
  readonly writer: SegmentWriter
  /** With the fleet's document, or another file. */
  start(role: Role, env?: Readonly<Record<string, string>>, args?: readonly string[], file?: string): Running
  /** Writes segments, to each topic-partition in turn, until `end` is called. */
  load(everyMs?: number): { end(): Promise<void> }
  /** Until every record written so far is a row. Fails at once where one is there twice or wrong. */
  complete(): Promise<void>
  /** Ends all processes, first those that wait for others, and fails where one does not end in good order. Killed ones are left out. */
  stop(): Promise<void>
  remove(): Promise<void>
}

export interface TestFleetOptions {
  readonly queue: object
  readonly topics?: readonly string[]
  readonly partitions?: number
  readonly parallelism?: number
  /** `spec.maintenance`. */
  readonly maintenance?: object
}

/** How long a fleet may take to come through a fault on a slow machine, ms. */
const patienceMs = 240_000

export async function makeFleet({
  queue,
  topics = ['orders', 'payments'],
  partitions = 2,
  parallelism = 4,
  maintenance,
}: TestFleetOptions): Promise<TestFleet> {
  const root = await mkdtemp(join(tmpdir(), 'fleet-'))
  const writer = new SegmentWriter(intoDirectory(join(root, 'source')))
  const world = await makeWorld(root, {
    topics,
    source: { directory: join(root, 'source') },
    sink: sqliteSink(root),
    queue,
    parallelism,
    commitIntervalSeconds: 1,
    ...(maintenance !== undefined && { maintenance }),
  })
  const started: { readonly role: Role; readonly process: Running }[] = []

  async function end(some: readonly Running[]): Promise<void> {
    for (const one of some) one.kill('SIGTERM')
    for (const one of some) {
      const { code, signal, log } = await one.ended
      if (signal === 'SIGKILL') continue
      expect(code, log).toBe(0)
    }
  }

  async function writeRound(): Promise<void> {
    for (const topic of topics) for (let partition = 0; partition < partitions; partition++) await writer.append(topic, partition, 3)
  }

  return {
    world,
    writer,
    start(role, env, args = [], file = world.file) {
      const running = startRole(role, file, ['--log-level', 'debug', ...args], env)
      started.push({ role, process: running })
      return running
    },
    load(everyMs = 300) {
      let isOver = false
      const writing = (async () => {
        while (!isOver) {
          await writeRound()
          await sleep(everyMs)
        }
      })()
      return {
        end() {
          isOver = true
          return writing
        },
      }
    },
    async complete() {
      const giveUpMs = Date.now() + patienceMs
      for (;;) {
        const { problems, missing } = await audit(world, writer.expected)
        expect(problems).toEqual([])
        if (missing === 0) return
        if (Date.now() > giveUpMs) {
          throw new Error(
            `${missing} rows are missing:\n${started.map(({ process }) => process.log().split('\n').slice(-40).join('\n')).join('\n---\n')}`,
          )
        }
        await sleep(500)
      }
    },
    async stop() {
      // A planner that is told to stop waits for commits under way, and somebody has to make them: also those of a committer that was killed.
      const isFeed = ({ role }: { readonly role: Role }) => role === 'planner' || role === 'run'
      await end(started.filter(isFeed).map(({ process }) => process))
      await end(started.filter((one) => !isFeed(one)).map(({ process }) => process))
    },
    remove: () => rm(root, { recursive: true, force: true }),
  }
}
