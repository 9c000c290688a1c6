import type { Check, CheckName, CheckResult } from '../pipeline/doctor/check.ts'
import { displayWidth, printable } from './printable.ts'
import type { Paint, Style, Terminal } from './terminal.ts'
import { formatNumberOf } from './units.ts'

const titles: Readonly<Record<CheckName, string>> = {
  document: 'document',
  source: 'source',
  clock: 'clock',
  topics: 'topics',
  segment: 'a segment',
  catalog: 'catalog',
  names: 'names, types',
  tables: 'tables there',
  namespace: 'namespace',
  create: 'create table',
  write: 'write a file',
  read: 'read it',
  load: 'load table',
  commit: 'commit',
  drop: 'drop table',
  remove: 'remove files',
  queue: 'Redis',
  etcd: 'etcd',
  metrics: 'metrics',
}

const colors: Readonly<Record<CheckResult, Style>> = { ok: 'green', warning: 'yellow', failed: 'red', skipped: 'dim' }
const resultWidth = Math.max(...Object.keys(colors).map((result) => result.length))
const titleWidth = Math.max(...Object.values(titles).map((title) => title.length))
/** Where the sentences begin. */
const indent = 2 + resultWidth + 2 + titleWidth + 2
/** What is to be pasted is never broken: it stands below its line, from this column on. */
const adviceIndent = 2 + resultWidth + 2

/** A check for people: result, what was checked, what was found; below it what to grant or change. */
export function checkLines({ check, result, found, advice }: Check, { style, width }: Pick<Terminal, 'style' | 'width'>): string[] {
  const head = `  ${style(colors[result], result.padEnd(resultWidth))}  ${titles[check].padEnd(titleWidth)}  `
  const lines = wrapped(printable(found), Math.max(20, width - indent))
  const shown = result === 'skipped' ? lines.map((line) => style('dim', line)) : lines
  return [
    head + shown[0],
    ...shown.slice(1).map((line) => ' '.repeat(indent) + line),
    ...advice.flatMap((text) => {
      const [first, ...rest] = isStatement(text) ? [printable(text)] : wrapped(printable(text), Math.max(20, width - adviceIndent - 2))
      return [`${' '.repeat(adviceIndent)}${style('cyan', '→')} ${first}`, ...rest.map((line) => ' '.repeat(adviceIndent + 2) + line)]
    }),
  ]
}

/** How many of each. */
export function closingLine(checks: readonly Check[], style: Paint): string {
  const count = (result: CheckResult) => checks.filter((check) => check.result === result).length
  const failures = count('failed')
  const warnings = count('warning')
  const tail = warnings === 0 ? '' : `, ${formatNumberOf(warnings, 'warning')}`
  if (failures > 0) return `${style('red', `${formatNumberOf(failures, 'check')} failed`)}${tail}`
  return `${style('green', 'nothing failed')}${tail}`
}

/** What somebody pastes into a shell or a worksheet. */
function isStatement(text: string): boolean {
  return /^(?:GRANT|polaris|CONFIG) /.test(text)
}

/** Breaks a text at spaces; what has none and is too long stays whole, since it may be a name to be copied. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && displayWidth(line) + 1 + displayWidth(word) > width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}
