import { documentError } from '../spec/problems.ts'
import { type Command, fileOption, jsonOption } from './command.ts'
import { readDocuments } from './documents.ts'
import { graceOf, graceOption } from './grace.ts'
import { metricsAddressOption } from './metrics-address.ts'
import { abortOnSignals } from './signals.ts'

const logLevels = ['debug', 'info', 'warn', 'error'] as const

interface RunOptions {
  readonly file: string
  readonly once?: boolean
  readonly logLevel?: (typeof logLevels)[number]
  readonly json?: boolean
  readonly graceSeconds?: number
  readonly metricsAddress?: string
}

/** `run`: the whole road in one process, until a signal or until nothing is left to do. */
export const runCommand: Command<RunOptions> = {
  description:
    "Turns the segments of the documents' topics into Iceberg tables, in one process.\n\nRuns until SIGINT or SIGTERM, then finishes and commits what is under way, or gives it up when the grace ends; a second signal ends it at once. Nothing is lost either way. The file is followed: a change of it is applied while the work goes on, or said to need a restart; SIGHUP has it looked at at once. Logs are JSON, one line each, in UTC.",
  options: [
    fileOption,
    { flags: '--once', description: 'end when all that is visible is in the tables; exit 1 if a partition had to stop' },
    { flags: '--log-level <level>', description: 'how much to log (default: info)', choices: logLevels },
    graceOption,
    metricsAddressOption,
    jsonOption,
    { flags: '--accept-rollback', description: 'go on after a table was rolled back', later: true },
    { flags: '--source-moved <old>', description: 'the source had another place before', later: true },
    { flags: '--source-restarted', description: 'the source starts from offset 0 again', later: true },
  ],
  examples: [
    ['run -f spec.yaml', 'Keep the tables up to date, until stopped:'],
    ['run -f spec.yaml --once', 'Bring the tables up to date, then end:'],
  ],
  async run({ options }, terminal) {
    const { fileName, text, documents } = await readDocuments(options.file)
    const { notYet } = await import('../spec/not-yet.ts')
    const problems = documents.flatMap(notYet).map((problem) => ({ ...problem, file: fileName }))
    if (problems.length > 0) throw documentError(problems)

    const signals = abortOnSignals(
      () => terminal.err('Stopping: finishing or handing back what is under way. Once more to stop at once.'),
      graceOf(options, terminal),
    )
    const file =
      options.once === true || options.file === '-' ? undefined : (await import('./document-file.ts')).followFile(options.file, text)
    try {
      const { runDocuments } = await import('../compose.ts')
      const { ok } = await runDocuments(documents, {
        once: options.once ?? false,
        logLevel: options.logLevel ?? 'info',
        signal: signals.signal,
        hurry: signals.hurry,
        json: options.json ?? false,
        metricsAddress: options.metricsAddress,
        file,
      })
      return ok ? 0 : 1
    } finally {
      file?.release()
      signals.release()
    }
  },
}
