import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'

/*
 * Makes of the program that is started with it (`node --import`) the next version of it: the same source, with what a later version would
 * write changed while it is loaded. A file in which the text to change is not found once ends the process.
 */

interface Change {
  readonly file: string
  readonly from: string | RegExp
  readonly to: string
}

const changes: Readonly<Record<string, readonly Change[]>> = {
  /** Tasks, commits and their answers get a field that this version's readers would not know. */
  payload: [
    { file: 'service/tasks/task-codec.ts', from: /export const version = \d+/, to: 'export const version = 99' },
    { file: 'service/tasks/task-codec.ts', from: /const newestVersion = \d+/, to: 'const newestVersion = 99' },
    { file: 'service/feed/commit-codec.ts', from: /const historyVersion = \d+/, to: 'const historyVersion = 99' },
  ],
  /** Snapshots are written in a format that this version does not know; the ones before are read. */
  progress: [
    { file: 'pipeline/commit/summary-keys.ts', from: "formatVersion = '1'", to: "formatVersion = '4'" },
    {
      file: 'pipeline/commit/summary-keys.ts',
      from: 'knownVersions: readonly string[] = [',
      to: "knownVersions: readonly string[] = ['1', ",
    },
  ],
}

/** What a process is started with to be the next version, in what it writes to Redis or to the table. */
export function nextProgram(what: 'payload' | 'progress'): Readonly<Record<string, string>> {
  return { NODE_OPTIONS: `--import ${import.meta.url}`, NEXT_PROGRAM: what }
}

const wanted = changes[process.env['NEXT_PROGRAM'] ?? '']
if (wanted !== undefined) {
  const source = fileURLToPath(new URL('../../../src/', import.meta.url))
  registerHooks({
    load(url, context, next) {
      const loaded = next(url, context)
      const here = wanted.filter(({ file }) => url.startsWith('file:') && fileURLToPath(url) === `${source}${file}`)
      if (here.length === 0) return loaded
      let text = Buffer.from(loaded.source as Uint8Array).toString()
      for (const { file, from, to } of here) {
        const parts = text.split(from)
        if (parts.length !== 2) throw new Error(`${file}: "${String(from)}" is there ${parts.length - 1} times`)
        text = parts.join(to)
      }
      return { ...loaded, source: text }
    },
  })
}
