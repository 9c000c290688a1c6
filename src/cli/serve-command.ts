import { DocumentError } from '../model/failure.ts'
import { documentError } from '../spec/problems.ts'
import { type Command, fileOption, jsonOption, type OptionSpec } from './command.ts'
import { type DirectionOptions, directionsOf } from './directions.ts'
import { readDocuments } from './documents.ts'
import { graceOf, graceOption } from './grace.ts'
import { metricsAddressOption } from './metrics-address.ts'
import { abortOnSignals } from './signals.ts'

const logLevels = ['debug', 'info', 'warn', 'error'] as const

interface ServeOptions extends DirectionOptions {
  readonly file: string
  readonly once?: boolean
  readonly logLevel?: (typeof logLevels)[number]
  readonly json?: boolean
  readonly graceSeconds?: number
  readonly metricsAddress?: string
}

/** A command that serves documents until a signal comes; the roles differ in words and options alone. */
export function serveCommandOf(
  role: 'run' | 'worker' | 'planner' | 'committer',
  words: Pick<Command, 'description' | 'examples'>,
  more: readonly OptionSpec[] = [],
): Command<ServeOptions> {
  return {
    ...words,
    options: [
      fileOption,
      ...more,
      { flags: '--log-level <level>', description: 'how much to log (default: info)', choices: logLevels },
      graceOption,
      metricsAddressOption,
      jsonOption,
    ],
    async run({ options }, terminal) {
      const { fileName, text, documents } = await readDocuments(options.file)
      const { notYet } = await import('../spec/not-yet.ts')
      const problems = documents.flatMap(notYet).map((problem) => ({ ...problem, file: fileName }))
      if (problems.length > 0) throw documentError(problems)
      const alone = documents.find(({ spec }) => spec.queue === undefined)
      if (role !== 'run' && alone !== undefined) {
        throw new DocumentError(
          `${fileName}: document ${alone.metadata.name}: spec.queue: expected a queue in Redis for a ${role}, found none`,
        )
      }

      const signals = abortOnSignals(
        () => terminal.err('Stopping: finishing or handing back what is under way. Once more to stop at once.'),
        graceOf(options, terminal),
      )
      const file =
        options.once === true || options.file === '-' ? undefined : (await import('./document-file.ts')).followFile(options.file, text)
      try {
        const { runDocuments } = await import('../compose.ts')
        const { ok } = await runDocuments(documents, {
          role,
          once: options.once ?? false,
          logLevel: options.logLevel ?? 'info',
          signal: signals.signal,
          hurry: signals.hurry,
          json: options.json ?? false,
          metricsAddress: options.metricsAddress,
          directions: directionsOf(options),
          file,
        })
        return ok ? 0 : 1
      } finally {
        file?.release()
        signals.release()
      }
    },
  }
}
