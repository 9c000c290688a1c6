import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { builtProgram } from '../bench/service.ts'

/** A line of the service's log. */
type LogLine = Readonly<Record<string, unknown>> & { readonly msg: string }

/** The program in a process of its own. */
export interface ServiceProcess {
  readonly pid: number
  /** Resolves with the exit code when it has ended; null where a signal ended it. */
  readonly ended: Promise<number | null>
  /** What it printed last, for messages. */
  tail(): string
  kill(signal: NodeJS.Signals): void
}

/** Starts `iceberg-processor COMMAND -f` on a document, which is written into `directory`; `onLine` is told each line of its log. */
export async function startService(
  command: readonly string[],
  directory: string,
  document: object,
  onLine: (line: LogLine) => void = () => undefined,
  nodeOptions: readonly string[] = [],
): Promise<ServiceProcess> {
  const file = join(directory, 'document.json')
  await writeFile(file, JSON.stringify(document))
  const child: ChildProcess = spawn(process.execPath, [...nodeOptions, await builtProgram(), ...command, '-f', file], {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let tail = ''
  const keep = (text: string) => (tail = `${tail}${text}\n`.slice(-3000))
  createInterface({ input: child.stdout! }).on('line', keep)
  createInterface({ input: child.stderr! }).on('line', (text) => {
    keep(text)
    if (text.startsWith('{')) onLine(JSON.parse(text) as LogLine)
  })
  const ended = once(child, 'close').then(([code]) => code as number | null)
  return { pid: child.pid!, ended, tail: () => tail, kill: (signal) => child.kill(signal) }
}

/** A document of the shape that all load tests share. */
export function loadDocument(topics: readonly string[], source: object, sink: object, processing: object = {}): Record<string, unknown> {
  return {
    apiVersion: 'kafscale.io/v1',
    kind: 'IcebergProcessor',
    metadata: { name: 'load' },
    spec: {
      source: { topics, graceSeconds: 0, ...source },
      sink: { database: 'load', ...sink },
      mappings: [{ topic: '*', value: { format: 'binary' } }],
      processing,
    },
  }
}
