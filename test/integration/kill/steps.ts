import { subscribe } from 'node:diagnostics_channel'
import fs from 'node:fs/promises'
import { writeSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { DatabaseSync, StatementSync } from 'node:sqlite'
import type { ProcessorSeams } from '../../../src/service/feed/processor-seams.ts'
import type { TaskQueue } from '../../../src/seams/task-queue.ts'

/** What happens to the process when it comes to a step: `step` is what `Steps` prints, such as `catalog.commit before #1`. */
export interface Fate {
  readonly step: string
  readonly signal: 'SIGKILL' | 'SIGSTOP'
}

/** Names every step of a run and counts it; sends this process the signal that `fate` says when it comes to that step. */
export class Steps {
  readonly #counts = new Map<string, number>()
  readonly #fate: Fate | undefined
  readonly #print: boolean

  constructor(fate: Fate | undefined, print: boolean) {
    this.#fate = fate
    this.#print = print
  }

  reach(name: string): void {
    const count = (this.#counts.get(name) ?? 0) + 1
    this.#counts.set(name, count)
    const step = `${name} #${count}`
    if (this.#print) writeSync(1, `step ${step}\n`)
    if (this.#fate?.step !== step) return
    writeSync(2, `{"msg":"the step is reached"}\n`)
    // A signal to oneself has been delivered when the call returns: after SIGKILL nothing more is done.
    process.kill(process.pid, this.#fate.signal)
  }

  /** Something that changes the world. */
  async around<T>(name: string, work: () => Promise<T>): Promise<T> {
    this.reach(`${name} before`)
    return this.after(name, work)
  }

  /** Something that changes nothing: for the world, dying before it is dying after the step before it. */
  async after<T>(name: string, work: () => Promise<T>): Promise<T> {
    const result = await work()
    this.reach(`${name} after`)
    return result
  }
}

/** The same seams, each call of which is a step when it is done, and before it where it changes something; a file that is written is a step after each chunk too. */
export function withSteps(seams: ProcessorSeams, steps: Steps): ProcessorSeams {
  const { source, io, catalog, queue } = seams
  return {
    ...seams,
    source: {
      ...source,
      async *list(query) {
        for await (const page of source.list(query)) {
          steps.reach('source.list page')
          yield page
        }
      },
      get: (key, options) => steps.after('source.get', () => source.get(key, options)),
    },
    io: {
      ...io,
      read: (uri) => steps.after(`io.read ${kindOf(uri)}`, () => io.read(uri)),
      write: (uri, chunks) => steps.around(`io.write ${kindOf(uri)}`, () => io.write(uri, steppedChunks(steps, kindOf(uri), chunks))),
    },
    catalog: {
      ...catalog,
      ensureNamespace: (namespace) => steps.around('catalog.namespace', () => catalog.ensureNamespace(namespace)),
      loadTable: (table) => steps.after('catalog.load', () => catalog.loadTable(table)),
      createTable: (table, request) => steps.around('catalog.create', () => catalog.createTable(table, request)),
      commitTable: (table, request) => steps.around('catalog.commit', () => catalog.commitTable(table, request)),
    },
    queue: steppedQueue(steps, queue),
  }
}

async function* steppedChunks(
  steps: Steps,
  kind: string,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    yield chunk
    steps.reach(`io.write ${kind} chunk`)
  }
}

function steppedQueue<Payload, Result>(steps: Steps, queue: TaskQueue<Payload, Result>): TaskQueue<Payload, Result> {
  return {
    get depth() {
      return queue.depth
    },
    submit(id, payload) {
      steps.reach('queue.submit')
      return queue.submit(id, payload)
    },
    withdraw: (id) => queue.withdraw(id),
    forget: (id) => queue.forget(id),
    async claim(signal) {
      const claim = await queue.claim(signal)
      if (claim === null) return null
      steps.reach('queue.claim')
      return {
        ...claim,
        complete(result) {
          steps.reach('queue.complete before')
          claim.complete(result)
          steps.reach('queue.complete after')
        },
      }
    },
  }
}

/** Makes what happens beneath the seams steps too: statements of SQLite, files that get their names or lose them. */
export function stepInsideFiles(steps: Steps): void {
  const { rename } = fs
  fs.rename = (from, to) => steps.around(`rename ${kindOf(String(to))}`, () => rename(from, to))
  const { rm } = fs
  fs.rm = (path, options) => steps.around(`remove ${kindOf(String(path))}`, () => rm(path, options))
  syncBuiltinESMExports()
  const { prepare } = DatabaseSync.prototype
  const { run } = StatementSync.prototype
  const texts = new WeakMap<StatementSync, string>()
  DatabaseSync.prototype.prepare = function (this: DatabaseSync, sql: string) {
    const statement = prepare.call(this, sql)
    texts.set(statement, /^\w+/.exec(sql.trim())?.[0] ?? 'statement')
    return statement
  }
  StatementSync.prototype.run = function (this: StatementSync, ...values: unknown[]) {
    const name = `sqlite ${texts.get(this)}`
    steps.reach(`${name} before`)
    const changes = Reflect.apply(run, this, values) as ReturnType<typeof run>
    steps.reach(`${name} after`)
    return changes
  }
}

interface SeenRequest {
  readonly method: string
  readonly path: string
}

/** Makes requests that change something steps: when one has been handed to the socket whole, and when its answer begins. */
export function stepInsideRequests(steps: Steps): void {
  const nameOf = ({ method, path }: SeenRequest): string => `${method} ${path.startsWith('/v1/') ? restPath(path) : kindOf(path)}`
  const on = (channel: string, reached: (request: SeenRequest) => void): void => {
    subscribe(channel, (message) => reached((message as { request: SeenRequest }).request))
  }
  on('undici:request:bodySent', (request) => {
    if (request.method !== 'GET') steps.reach(`${nameOf(request)} sent`)
  })
  on('undici:request:headers', (request) => {
    if (request.method !== 'GET') steps.reach(`${nameOf(request)} answered`)
  })
}

function restPath(path: string): string {
  if (path.startsWith('/v1/config')) return 'config'
  if (/\/tables\/./.test(path)) return 'table'
  return path.endsWith('/tables') ? 'tables' : 'namespace'
}

function kindOf(path: string): string {
  const plain = path.split('?')[0]
  if (plain.endsWith('.parquet')) return 'data file'
  if (/\/snap-[^/]*\.avro$/.test(plain)) return 'manifest list'
  if (plain.endsWith('.avro')) return 'manifest'
  if (plain.endsWith('.metadata.json')) return 'metadata'
  return plain.endsWith('.kfs') ? 'segment' : 'listing'
}
