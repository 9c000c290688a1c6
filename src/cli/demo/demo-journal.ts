import type { Journal, JournalFields } from '../../seams/journal.ts'
import { printable } from '../printable.ts'
import type { Terminal } from '../terminal.ts'
import { formatBytes, formatNumberOf } from '../units.ts'

/** A journal that tells a person what happens, a line an event. */
export function demoJournal(terminal: Terminal): Journal {
  const { style } = terminal
  const where = ({ topic, partition }: JournalFields) => `${printable(String(topic))}/${String(partition)}`
  return {
    debug: () => undefined,
    info(message, fields = {}) {
      if (message !== 'committed') return
      const { table, rows, files, bytes, segments } = fields
      const made = Number(files) === 0 ? 'nothing new to write' : `${formatNumberOf(Number(files), 'file')}, ${formatBytes(Number(bytes))}`
      terminal.out(
        `  ${style('green', 'committed')}  ${printable(String(table)).padEnd(12)} ${String(rows).padStart(4)} rows from ${formatNumberOf(Number(segments), 'segment').padEnd(12)} ${style('dim', made)}`,
      )
    },
    warn(message, fields = {}) {
      terminal.out(
        `  ${style('yellow', 'noticed')}    ${where(fields)}: ${message}${fields.records === undefined ? '' : ` (${String(fields.records)})`}`,
      )
    },
    error(message, fields = {}) {
      terminal.out(`  ${style('red', 'stopped')}    ${where(fields)}: ${message}: ${String(fields.reason ?? fields.error)}`)
    },
  }
}
