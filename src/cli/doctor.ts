import { stringifyJson } from '../formats/json/exact.ts'
import type { Check } from '../pipeline/doctor/check.ts'
import { type Command, fileOption, jsonOption } from './command.ts'
import { checkLines, closingLine } from './doctor-text.ts'
import { readDocuments } from './documents.ts'
import { printable } from './printable.ts'
import { abortOnSignals } from './signals.ts'

interface DoctorCommandOptions {
  readonly file: string
  readonly readOnly?: boolean
  readonly json?: boolean
}

/** `doctor`: whether everything that a document names can be used as a run would. */
export const doctorCommand: Command<DoctorCommandOptions> = {
  description:
    "Checks what a document names, one thing after the other, before anything runs: source, catalog, names and types, Redis, etcd, the address for metrics. Creates a table of a name that nobody uses, writes and reads a file, commits to it, and removes all of it again. Says for each line what was found, and where it failed what to grant or change, in the catalog's own words. Exit code 1 where something failed.",
  options: [fileOption, { flags: '--read-only', description: 'create, write and drop nothing: only look' }, jsonOption],
  examples: [
    ['doctor -f spec.yaml', 'Check everything before the first run:'],
    ['doctor -f spec.yaml --read-only', 'The same without a probe table:'],
    ['doctor -f spec.yaml --json', 'For a program:'],
  ],
  async run({ options }, terminal) {
    const { documents } = await readDocuments(options.file)
    const { examine } = await import('../compose/doctor.ts')
    const isJson = options.json === true
    const stop = abortOnSignals(() => terminal.err('stopping: what was made is removed'))
    const examined: { name: string; checks: Check[] }[] = []
    try {
      for (const [i, document] of documents.entries()) {
        const { name } = document.metadata
        const checks: Check[] = []
        examined.push({ name, checks })
        if (!isJson) terminal.out(`${i > 0 ? '\n' : ''}${terminal.style('bold', printable(name))}`)
        await examine(document, {
          readOnly: options.readOnly === true,
          signal: stop.signal,
          tell(check) {
            checks.push(check)
            if (!isJson) for (const line of checkLines(check, terminal)) terminal.out(line)
          },
        })
      }
    } finally {
      stop.release()
    }
    const all = examined.flatMap(({ checks }) => checks)
    const ok = all.every(({ result }) => result !== 'failed') && !stop.signal.aborted
    if (isJson) terminal.out(stringifyJson({ ok, documents: examined }))
    else terminal.out(`\n${closingLine(all, terminal.style)}`)
    return ok ? 0 : 1
  },
}
