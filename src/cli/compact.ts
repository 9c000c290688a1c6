import { DocumentError } from '../model/failure.ts'
import type { Once } from '../pipeline/backfill/bill.ts'
import type { Compaction } from '../service/maintain/compact-tables.ts'
import { parseSortTerms, type SortTerm } from '../spec/terms.ts'
import { type Command, fileOption, jsonOption } from './command.ts'
import { readDocuments } from './documents.ts'
import { moneyText } from './money-text.ts'
import { pricesOption, readPrices } from './prices.ts'
import { printable } from './printable.ts'
import { abortOnSignals } from './signals.ts'
import { tellOutcomes, withMoney } from './table-outcomes.ts'
import { formatBytes, formatDuration, formatNumberOf } from './units.ts'

interface CompactOptions {
  readonly file: string
  readonly dryRun?: boolean
  readonly sortBy?: readonly SortTerm[]
  readonly deleteFileThreshold?: number
  readonly prices?: string
  readonly json?: boolean
}

/** `compact`: few files of about the target size, without deletes. */
export const compactCommand: Command<CompactOptions> = {
  description:
    'Joins small data files and cuts large ones, partition by partition, to about processing.targetFileSizeBytes, and applies the deletes of other engines. Planned from manifests alone, young files included; --dry-run shows what it would read and write. Rows stay as they are, sorted as the table says where it does. Finished rewrites are committed as it goes on, beside whoever feeds the table, and never hinder it; stopped at any time (the first Ctrl-C finishes what is under way), what is committed stays. The files that were replaced stay until their snapshots are expired.',
  argument: { name: 'table', description: 'the table that is meant; all of the document without it' },
  options: [
    fileOption,
    { flags: '--dry-run', description: 'say what would be rewritten and what it takes, and change nothing' },
    {
      flags: '--sort-by <terms>',
      description:
        'sort rows by these columns, as sortBy of a document has them, with commas between, instead of by the table’s sort order; all files are rewritten that are not sorted so yet',
      parse: sortTerms,
    },
    {
      flags: '--delete-file-threshold <count>',
      description: 'rewrite every data file that so many delete files apply to, also where they take out little; 10 unless said',
      parse: threshold,
    },
    pricesOption,
    jsonOption,
  ],
  examples: [
    ['compact -f spec.yaml --dry-run', 'See what is worth a rewrite, in files, bytes and requests:'],
    ['compact -f spec.yaml orders', 'Rewrite the files of one table:'],
    ['compact -f spec.yaml orders --delete-file-threshold 1', 'Rewrite also all files that have deletes:'],
    ["compact -f spec.yaml orders --sort-by 'customer_id asc nulls last'", 'Sort the rows of one table by a column:'],
  ],
  async run({ argument, options }, terminal) {
    const { documents } = await readDocuments(options.file)
    const prices = await readPrices(options.prices)
    const [{ workInDocuments }, { compactTables }] = await Promise.all([
      import('../compose.ts'),
      import('../service/maintain/compact-tables.ts'),
    ])
    const dryRun = options.dryRun === true
    const stop = abortOnSignals(() => terminal.err('Finishing what is under way; once more to give it up.'))
    const bar = terminal.progress('rewriting', formatBytes)
    try {
      const { sortBy, deleteFileThreshold } = options
      const progress = (_table: string, done: number, total: number) => void bar.update(done, total)
      const how = {
        dryRun,
        signal: stop.signal,
        progress,
        ...(sortBy !== undefined && { sortBy }),
        ...(deleteFileThreshold !== undefined && { deleteFileThreshold }),
      }
      const tables = await workInDocuments(documents, (document, source, seams) => compactTables(document, argument, source, seams, how))
      bar.stop()
      const asked = { wanted: argument, json: options.json === true, dryRun }
      const takes = ({ cost, coreSeconds }: Compaction) => ({
        gets: cost.gets,
        writes: cost.puts,
        readBytes: cost.inputBytes + cost.deleteBytes,
        coreSeconds,
      })
      const isWhole = (done: Compaction | null) => (done?.report?.failed ?? 0) === 0
      return tellOutcomes(withMoney(tables, prices, takes), asked, (done) => sentences(done).map(printable), terminal, isWhole)
    } finally {
      bar.stop()
      stop.release()
    }
  },
}

function sortTerms(text: string): SortTerm[] {
  try {
    return parseSortTerms(text)
  } catch (error) {
    throw new DocumentError(`--sort-by: expected sort terms such as customer_id desc nulls last: ${(error as Error).message}`)
  }
}

function threshold(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text)
  throw new DocumentError(`--delete-file-threshold: expected a number of delete files, 1 or more, found ${JSON.stringify(text)}`)
}

function sentences({ files, wanting, rewrites, commits, cost, seconds, money, report }: Compaction & { readonly money: Once }): string[] {
  if (rewrites === 0) {
    const rest = wanting === 0 ? '' : `; ${formatNumberOf(wanting, 'file')} too few or too unequal to be joined`
    return [`nothing is worth a rewrite, of ${formatNumberOf(files, 'data file')}${rest}`]
  }
  const deletes = cost.deleteFiles === 0 ? '' : ` with ${formatNumberOf(cost.deleteFiles, 'delete file')}`
  const spilled =
    cost.spilledFiles === 0
      ? ''
      : ` (sorting, beyond its memory, writes about ${formatNumberOf(cost.spilledFiles, 'file')} of ${formatBytes(cost.spilledBytes)} among them, and removes them again)`
  const planned =
    `${formatNumberOf(cost.inputFiles, 'file')}${deletes} (${formatBytes(cost.inputBytes + cost.deleteBytes)}) of ${files} ` +
    `into about ${cost.outputFiles}, in ${formatNumberOf(rewrites, 'rewrite')} and about ${formatNumberOf(commits, 'commit')}: about ${formatNumberOf(cost.gets, 'GET')} and ${formatNumberOf(cost.puts, 'PUT')}${spilled}, ` +
    `${formatDuration(Math.max(1, Math.round(seconds)) * 1000)} by the speed of the benchmark; ${moneyText(money.total, money)}`
  if (report === null) return [`would rewrite ${planned}`]
  const { committed, refused, failed, problem, inputFiles, inputBytes, outputFiles, outputBytes, rowsDeleted } = report
  const gone = rowsDeleted === 0n ? '' : `; ${rowsDeleted} deleted rows are no longer in them`
  const lines = [
    `planned ${planned}`,
    `rewrote ${formatNumberOf(inputFiles, 'file')} (${formatBytes(Number(inputBytes))}) into ${outputFiles} (${formatBytes(Number(outputBytes))})${gone}`,
  ]
  if (refused > 0)
    lines.push(`${formatNumberOf(refused, 'rewrite')} refused, since others changed the files meanwhile; run it again for these`)
  if (failed > 0) lines.push(`${formatNumberOf(failed, 'rewrite')} failed: ${problem}`)
  const left = rewrites - committed - refused - failed
  if (left > 0) lines.push(`${formatNumberOf(left, 'rewrite')} not begun`)
  return lines
}
