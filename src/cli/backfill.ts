import { stringifyJson } from '../formats/json/exact.ts'
import type { Backfill } from '../model/backfill.ts'
import { type Bound, isReversed } from '../model/bound.ts'
import { DocumentError } from '../model/failure.ts'
import type { BackfillDone } from '../compose/backfill.ts'
import type { BackfillBill, Where } from '../service/backfill/backfiller.ts'
import type { HistoryReport } from '../service/backfill/history-report.ts'
import type { BackfillWish } from '../service/backfill/resolve-backfill.ts'
import { boundOf } from './bound.ts'
import { billLines, doneLines, listLines } from './backfill-text.ts'
import { type Command, fileOption, jsonOption } from './command.ts'
import { readDocuments } from './documents.ts'
import { graceOf, graceOption } from './grace.ts'
import { partitionNumbers } from './partition-numbers.ts'
import { pricesOption, readPrices } from './prices.ts'
import { abortOnSignals } from './signals.ts'
import type { Terminal } from './terminal.ts'
import { formatBytes, formatNumberOf } from './units.ts'

interface BackfillOptions {
  readonly file: string
  readonly topic: string
  readonly into?: string
  readonly rebuild?: boolean
  readonly partitions?: readonly number[]
  readonly from?: Bound
  readonly to?: Bound
  readonly missing?: boolean
  readonly all?: boolean
  readonly newestFirst?: boolean
  readonly workers?: number
  readonly bytesPerSecond?: number
  readonly requestsPerSecond?: number
  readonly prices?: string
  readonly limit?: number
  readonly dryRun?: boolean
  readonly yes?: boolean
  readonly detach?: boolean
  readonly list?: boolean
  readonly pause?: string
  readonly resume?: string
  readonly cancel?: string
  readonly graceSeconds?: number
  readonly json?: boolean
}

/** Money that is spent without a question. */
const usualLimit = 10

/** `backfill`: history into a table, beside its tail. */
export const backfillCommand: Command<BackfillOptions> = {
  description:
    'Brings history into the table of a topic: segments from before the offset at which the tail began (startAt), or that were left out since. Says first what that takes: segments, requests, files, time and money. Then it reads beside the tail, with lower priority and in few commits; every row comes into the table once, whatever is killed or started twice. What is wanted stands in the table until it is done.\n\nWithout bounds nothing starts: --from and --to take offsets or ISO times (of records), --missing takes the holes, --all everything.',
  options: [
    fileOption,
    { flags: '--topic <name>', description: 'the topic', required: true },
    { flags: '--from <bound>', description: 'the first offset, or time of a record, that is wanted', parse: boundOf('--from') },
    { flags: '--to <bound>', description: 'the first offset, or time of a record, that is no longer wanted', parse: boundOf('--to') },
    { flags: '--missing', description: 'only what is missing between offsets that the table has' },
    { flags: '--all', description: 'everything from before the tail' },
    { flags: '--partitions <list>', description: 'only these partitions, such as 0,3,8-11', parse: partitionNumbers('--partitions') },
    {
      flags: '--into <table>',
      description: 'into another table, which is made where it is not there: a rebuild beside the live one',
      parse: tableName,
    },
    {
      flags: '--rebuild',
      description:
        "make the table anew from everything the source has, on a branch of its own, which then takes main's place; where the catalog has no branches, in a table beside it",
    },
    { flags: '--newest-first', description: 'from the newest to the oldest' },
    { flags: '--workers <n>', description: 'tasks at once; always one fewer than parallelism at most', parse: positive('--workers') },
    { flags: '--bytes-per-second <n>', description: 'segments to read a second at most, bytes', parse: positive('--bytes-per-second') },
    { flags: '--requests-per-second <n>', description: 'segments to ask for a second at most', parse: positive('--requests-per-second') },
    { flags: '--dry-run', description: 'say what it would take, and do nothing' },
    { flags: '--limit <money>', description: `what may be spent without --yes (default: ${usualLimit})`, parse: money },
    { flags: '--yes', description: 'do it, whatever it costs' },
    pricesOption,
    { flags: '--detach', description: 'leave it to the service that feeds the table' },
    { flags: '--list', description: 'show the backfills that the table remembers' },
    { flags: '--pause <id>', description: 'let a backfill stand still' },
    { flags: '--resume <id>', description: 'let a paused backfill go on' },
    { flags: '--cancel <id>', description: 'end a backfill; what it brought stays' },
    graceOption,
    jsonOption,
  ],
  examples: [
    ['backfill -f spec.yaml --topic orders --from 2024-01-01 --dry-run', 'See what the time since then would take:'],
    ['backfill -f spec.yaml --topic orders --all --yes', 'Bring in everything, whatever it costs:'],
    ['backfill -f spec.yaml --topic orders --missing', 'Fill the holes:'],
    ['backfill -f spec.yaml --topic orders --to 1000000 --partitions 3 --detach', 'Leave a part of one partition to the service:'],
    ['backfill -f spec.yaml --topic orders --all --into orders_rebuilt', 'Make the table anew, beside the live one:'],
    ['backfill -f spec.yaml --topic orders --rebuild', 'Make it anew on a branch, which then takes its place:'],
    ['backfill -f spec.yaml --topic orders --list', 'See how far backfills are:'],
  ],
  async run({ options }, terminal) {
    const { documents } = await readDocuments(options.file)
    const { backfillTopic, changeBackfill } = await import('../compose/backfill.ts')
    const change = changeOf(options)
    if (change !== null || options.list === true) {
      const backfills = await changeBackfill(documents, options.topic, whereOf(options), change)
      if (options.json === true) terminal.out(stringifyJson({ ok: true, backfills: backfills.map(toJson) }))
      else for (const line of listLines(options.topic, backfills)) terminal.out(line)
      return 0
    }
    const wish = wishOf(options)
    const prices = await readPrices(options.prices)
    const signals = abortOnSignals(
      () => terminal.err('Stopping: committing what was read. Once more to stop at once.'),
      graceOf(options, terminal),
    )
    const bar = terminal.progress('segments', formatBytes)
    let [refusal, toRead]: [string | null, number] = [null, 0]
    try {
      const done = await backfillTopic(documents, {
        wish,
        where: whereOf(options),
        prices,
        workers: options.workers,
        bytesPerSecond: options.bytesPerSecond,
        requestsPerSecond: options.requestsPerSecond,
        detach: options.detach === true,
        signal: signals.signal,
        agrees(bill) {
          if (options.json !== true) for (const line of billLines(bill, options.rebuild === true, terminal)) terminal.out(line)
          refusal = refusalOf(bill, options)
          toRead = bill.work.bytes
          return options.dryRun !== true && refusal === null
        },
        progress: ({ readBytes }: HistoryReport) => void bar.update(readBytes, toRead),
      })
      bar.stop()
      return tell(done, refusal, options, terminal)
    } finally {
      bar.stop()
      signals.release()
    }
  },
}

function tell(done: BackfillDone, refusal: string | null, options: BackfillOptions, terminal: Terminal): 0 | 1 | 2 {
  const ok = refusal === null && (done.outcome === null || done.outcome === 'done')
  if (options.json === true) {
    const { ranges, ...bill } = done.bill
    terminal.out(stringifyJson({ ok, ...done, bill: { ...bill, ranges: Object.fromEntries(ranges) }, refused: refusal }))
  } else if (refusal !== null) terminal.err(refusal)
  else if (options.dryRun !== true) for (const line of doneLines(done, options.detach === true, terminal)) terminal.out(line)
  return refusal !== null ? 2 : ok ? 0 : 1
}

/** Why it is not begun without being told so; null where it is. */
function refusalOf({ money: { total, currency }, archived, work }: BackfillBill, options: BackfillOptions): string | null {
  if (options.dryRun === true || options.yes === true || work.segments === 0) return null
  const limit = options.limit ?? usualLimit
  if (total > limit) return `This costs about ${total.toFixed(2)} ${currency}, more than ${limit}: say --yes, or a higher --limit.`
  if (archived.segments > 0) {
    const what = formatNumberOf(archived.segments, 'segment is', 'segments are')
    return `${what} in an archive, the first ${archived.firstKey}: restore what is to be read (S3 RestoreObject), which a listing does not show, and then say --yes. A topic-partition stops where one is not restored.`
  }
  return null
}

function whereOf({ into, rebuild }: BackfillOptions): Where {
  if (into !== undefined && rebuild === true)
    throw new DocumentError('--rebuild stays in the table, and --into goes to another one: leave one out')
  return rebuild === true ? { kind: 'rebuild' } : into === undefined ? { kind: 'live' } : { kind: 'table', name: into }
}

function wishOf(options: BackfillOptions): BackfillWish {
  const { topic, partitions = null, from = null, to = null, missing = false, all = false, newestFirst = false } = options
  const bounded = from !== null || to !== null
  if (options.rebuild === true) {
    if (bounded || missing || partitions !== null || options.detach === true) {
      throw new DocumentError(
        '--rebuild is everything, by this command: it has no place beside --from, --to, --missing, --partitions or --detach',
      )
    }
  } else if (!bounded && !missing && !all) {
    throw new DocumentError('say what is wanted: --from and --to, --missing, or --all for everything from before the tail')
  }
  if (options.into !== undefined && options.detach === true) {
    throw new DocumentError('--detach: no service feeds the table that --into names; leave one of them out')
  }
  const bounds = [options.workers, options.bytesPerSecond, options.requestsPerSecond]
  if (options.detach === true && bounds.some((one) => one !== undefined)) {
    throw new DocumentError(
      '--detach: the service works as its own document says, so it has no place beside --workers, --bytes-per-second or --requests-per-second',
    )
  }
  if (isReversed(from, to)) throw new DocumentError('--to: it is not behind --from')
  if (all && (bounded || missing)) throw new DocumentError('--all is everything; it has no place beside --from, --to or --missing')
  return { topic, partitions, from, to, missing, newestFirst }
}

function changeOf({ pause, resume, cancel }: BackfillOptions): { id: string; to: 'paused' | 'active' | 'cancelled' } | null {
  if (pause !== undefined) return { id: pause, to: 'paused' }
  if (resume !== undefined) return { id: resume, to: 'active' }
  return cancel === undefined ? null : { id: cancel, to: 'cancelled' }
}

function toJson({ ranges, ...backfill }: Backfill): unknown {
  return { ...backfill, ranges: Object.fromEntries(ranges) }
}

function positive(flag: string): (text: string) => number {
  return (text) => {
    if (!/^[1-9]\d{0,14}$/.test(text)) throw new DocumentError(`${flag}: expected a whole number above 0, found ${JSON.stringify(text)}`)
    return Number(text)
  }
}

function tableName(text: string): string {
  if (!/^\w[\w-]{0,126}$/.test(text)) throw new DocumentError(`--into: expected a table's name, found ${JSON.stringify(text)}`)
  return text
}

function money(text: string): number {
  if (!/^\d{1,12}(\.\d+)?$/.test(text)) throw new DocumentError(`--limit: expected an amount of money, found ${JSON.stringify(text)}`)
  return Number(text)
}
