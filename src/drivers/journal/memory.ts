import type { Journal, JournalFields } from '../../seams/journal.ts'

export interface JournalLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly message: string
  readonly fields: JournalFields
}

/** Keeps every line, for tests and simulations. */
export interface MemoryJournal extends Journal {
  readonly lines: readonly JournalLine[]
}

export function memoryJournal(): MemoryJournal {
  const lines: JournalLine[] = []
  const at =
    (level: JournalLine['level']) =>
    (message: string, fields: JournalFields = {}): void => {
      lines.push({ level, message, fields })
    }
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}
