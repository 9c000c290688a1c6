import { pino } from 'pino'
import type { Journal, JournalFields } from '../../seams/journal.ts'
import { redactor } from '../../model/redaction.ts'
import { describeError } from './error-fields.ts'

export interface PinoJournalOptions {
  /** The least level that is written. Stacks of errors are written at `debug` only. */
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  /** Where the lines go, one write a line; stderr unless given. */
  readonly destination?: { write(line: string): void }
  /** The secrets known now; asked before every line, because they may rotate. */
  readonly secrets?: () => Iterable<string>
}

/** What pino itself writes into a line; a field of the same name would make the key appear twice. */
const reserved = new Set(['level', 'time', 'msg'])

/**
 * JSON lines: `level` as a word, `time` in ISO 8601 UTC, `msg`, then the fields. A bigint is a string of decimal digits, so
 * that no reader of JSON rounds it. Every known secret is replaced by `***` wherever it stands in a string. A field called
 * `level`, `time` or `msg` gets an underscore at its end.
 */
export function pinoJournal(options: PinoJournalOptions): Journal {
  const logger = pino(
    {
      level: options.level,
      base: undefined,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    // Synchronous: the line that tells why the process ends must be out before it ends.
    options.destination ?? pino.destination({ dest: 2, sync: true }),
  )
  const withStack = options.level === 'debug'

  function write(level: PinoJournalOptions['level'], message: string, fields: JournalFields = {}): void {
    if (!logger.isLevelEnabled(level)) return
    const redact = redactor(options.secrets?.() ?? [])
    const values: Record<string, unknown> = {}
    for (const [name, value] of Object.entries(fields)) {
      values[reserved.has(name) ? `${name}_` : name] = plain(value, redact, withStack)
    }
    logger[level](values, redact(message))
  }

  return {
    debug: (message, fields) => write('debug', message, fields),
    info: (message, fields) => write('info', message, fields),
    warn: (message, fields) => write('warn', message, fields),
    error: (message, fields) => write('error', message, fields),
  }
}

function plain(value: JournalFields[string], redact: (text: string) => string, withStack: boolean): unknown {
  if (typeof value === 'string') return redact(value)
  if (typeof value === 'bigint') return String(value)
  if (value instanceof Error) return describeError(value, redact, withStack)
  if (Array.isArray(value)) return value.map((item: string) => redact(item))
  return value
}
