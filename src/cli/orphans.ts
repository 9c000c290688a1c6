import { stringifyJson } from '../formats/json/exact.ts'
import { DocumentError } from '../model/failure.ts'
import type { Once } from '../pipeline/backfill/bill.ts'
import type { SweepReport } from '../service/maintain/orphan-sweep.ts'
import { type Command, fileOption, jsonOption } from './command.ts'
import { readDocuments } from './documents.ts'
import { moneyText } from './money-text.ts'
import { pricesOption, readPrices } from './prices.ts'
import { printable } from './printable.ts'
import { withMoney } from './table-outcomes.ts'
import type { Terminal } from './terminal.ts'
import { formatBytes, formatNumberOf } from './units.ts'

interface OrphansOptions {
  readonly file: string
  readonly dryRun?: boolean
  readonly delete?: boolean
  readonly olderThan?: number
  readonly prices?: string
  readonly json?: boolean
}

/** `orphans`: files that no snapshot names. */
export const orphansCommand: Command<OrphansOptions> = {
  description:
    "Lists what lies below each table's location, and shows the files that no snapshot, branch or tag names: left by commits that failed and by what was interrupted. Only files that have been there for a safe time are shown, so that nothing is that somebody is about to commit. Changes nothing; with --delete the files are removed.",
  argument: { name: 'table', description: 'the table that is meant; all of the document without it' },
  options: [
    fileOption,
    { flags: '--dry-run', description: 'show them, and change nothing: as without --delete' },
    { flags: '--delete', description: 'remove them' },
    {
      flags: '--older-than <hours>',
      description: 'how old they are at least, 24 hours or more; 72 unless the document says',
      parse: hours,
    },
    pricesOption,
    jsonOption,
  ],
  examples: [
    ['orphans -f spec.yaml', 'See how many orphans there are, and how large:'],
    ['orphans -f spec.yaml orders --delete', 'Remove those of one table:'],
  ],
  async run({ argument, options }, terminal) {
    if (options.dryRun === true && options.delete === true) throw new DocumentError('expected --dry-run or --delete, found both')
    const { documents } = await readDocuments(options.file)
    const prices = await readPrices(options.prices)
    const [{ workInDocuments }, { sweepTables }] = await Promise.all([
      import('../compose.ts'),
      import('../service/maintain/sweep-tables.ts'),
    ])
    const sweep = { olderThanHours: options.olderThan, remove: options.delete === true }
    const swept = await workInDocuments(documents, (document, source, seams) => sweepTables(document, argument, source, seams, sweep))
    const tables = withMoney(swept, prices, ({ requests: { gets, lists } }) => ({ gets, writes: lists, readBytes: 0, coreSeconds: 0 }))
    if (argument !== undefined && tables.length === 0) throw new DocumentError(`the documents have no table ${argument}`)
    const ok = tables.every(({ problem, done }) => problem === null && (options.delete !== true || done?.left === 0))
    if (options.json === true) terminal.out(stringifyJson({ ok, deleted: options.delete === true, tables }))
    else {
      if (tables.length === 0) terminal.out('There is no table yet.')
      for (const { table, done, problem } of tables) {
        if (done === null) terminal.err(printable(problem ?? ''))
        else show(printable(table), done, options.delete === true, terminal)
      }
    }
    return ok ? 0 : 1
  },
}

function hours(text: string): number {
  const number = Number(text)
  if (/^\d{1,6}(\.\d+)?$/.test(text) && number >= 24) return number
  throw new DocumentError(
    `--older-than: expected 24 hours or more, since younger files may be about to be committed, found ${JSON.stringify(text)}`,
  )
}

/** Shown without --json. */
const mostShown = 10

function show(
  table: string,
  { listed, orphans, bytes, removed, left, requests, money, examples }: SweepReport & { readonly money: Once },
  deleted: boolean,
  terminal: Terminal,
): void {
  const found = orphans === 0 ? 'no orphan' : `${formatNumberOf(orphans, 'orphan')}, ${formatBytes(bytes)},`
  const removal = `${formatNumberOf(requests.lists, 'LIST')}, ${formatNumberOf(requests.gets, 'GET')} and ${formatNumberOf(requests.deletes, 'DELETE')}`
  const before = orphans === 0 ? '' : `; to remove them takes ${removal}; ${moneyText(money.total, money)}`
  const after = deleted ? `; ${formatNumberOf(removed, 'file')} removed${left === 0 ? '' : `, ${left} left`}` : before
  terminal.out(`${table}: ${found} among ${formatNumberOf(listed, 'file')}${after}`)
  if (deleted) return
  for (const uri of examples.slice(0, mostShown)) terminal.out(`  ${printable(uri)}`)
  if (orphans > mostShown) terminal.out(`  and ${formatNumberOf(orphans - Math.min(mostShown, examples.length), 'other')}`)
}
