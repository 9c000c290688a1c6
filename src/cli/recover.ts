import { readFile } from 'node:fs/promises'
import { stringifyJson } from '../formats/json/exact.ts'
import { DocumentError } from '../model/failure.ts'
import type { DocumentRecovery } from '../service/recover/recovery.ts'
import type { Prices } from '../pipeline/backfill/bill.ts'
import { type Command, fileOption, jsonOption } from './command.ts'
import { readDocuments } from './documents.ts'
import { readGivenOffsets } from './recover/given-offsets.ts'
import { pricesOption, readPrices } from './prices.ts'
import { moneyToRemove, showRecoveries } from './recover-text.ts'

interface RecoverOptions {
  readonly file: string
  readonly fromRows?: boolean
  readonly fromEtcd?: boolean | string
  readonly fromOffsets?: string
  readonly acceptRollback?: boolean
  readonly duplicates?: boolean
  readonly exact?: boolean
  readonly prices?: string
  readonly yes?: boolean
  readonly json?: boolean
}

/** `recover`: a table that stands still for want of knowing goes on from what somebody confirms. */
export const recoverCommand: Command<RecoverOptions> = {
  description:
    'For tables that are stopped because it is not known what was materialized. Shows what would be assumed, topic-partition by topic-partition; with --yes that is written into the table, by an empty append, and nothing else is. Rows that are there twice are removed here too. A table whose progress is known, or that was not rolled back, is left alone.',
  argument: { name: 'table', description: 'the one table that is meant; all of the document without it' },
  options: [
    fileOption,
    {
      flags: '--from-rows',
      description:
        'the progress is lost, or was never there: what counts as materialized is read from the rows, and from the segments between them',
    },
    {
      flags: '--from-etcd [prefix]',
      description:
        "like --from-rows, and what KafScale's Go processor says in etcd that it was done with counts as materialized, rows or none; the keys begin with prefix (default: processors)",
    },
    {
      flags: '--from-offsets <file>',
      description:
        'like --from-rows, and what a consumer group has read counts as materialized, rows or none: the file is what kafka-consumer-groups --describe prints, or lines topic,partition,offset (the next offset), or a JSON list of such objects',
    },
    {
      flags: '--accept-rollback',
      description: 'the table was rolled back or replaced: what it lost is materialized again',
    },
    {
      flags: '--duplicates',
      description:
        'rows are there more than once: of each offset the row that came first stays, and files with others are rewritten without them',
    },
    { flags: '--exact', description: 'read where each row comes from, instead of believing what its file says' },
    { flags: '--yes', description: 'write what is shown' },
    pricesOption,
    jsonOption,
  ],
  examples: [
    ['recover -f spec.yaml --from-rows orders', 'See what the rows of a table tell:'],
    ['recover -f spec.yaml --from-rows orders --yes', 'Go on from that:'],
    ['recover -f spec.yaml --from-etcd orders', "See what the rows of a table and the Go processor's offsets tell:"],
    [
      'recover -f spec.yaml --from-offsets group.txt orders',
      "See what a table of Kafka Connect's Iceberg sink and its group's offsets tell:",
    ],
    ['recover -f spec.yaml --duplicates orders --yes', 'Leave one row of each offset:'],
    ['recover -f spec.yaml --accept-rollback', 'See what a rollback would have materialized again:'],
  ],
  async run({ argument, options }, terminal) {
    const { fromEtcd = false, fromOffsets } = options
    const chosen = [options.fromRows, fromEtcd !== false, fromOffsets !== undefined, options.acceptRollback, options.duplicates]
    if (chosen.filter(Boolean).length !== 1) {
      throw new DocumentError('expected one of --from-rows, --from-etcd, --from-offsets, --accept-rollback and --duplicates')
    }
    const given = fromOffsets === undefined ? null : readGivenOffsets(fromOffsets, await readText(fromOffsets))
    const from = options.acceptRollback === true ? 'rollback' : options.duplicates === true ? 'duplicates' : 'rows'
    const { documents } = await readDocuments(options.file)
    const prices = await readPrices(options.prices)
    const { documentRecoveries } = await import('../compose.ts')
    const bar = terminal.progress('reading files')
    try {
      const recoveries = await documentRecoveries(documents, {
        from,
        table: argument ?? null,
        exact: options.exact === true,
        passedPrefix: fromEtcd === true ? 'processors' : fromEtcd === false ? null : fromEtcd,
        given,
        commit: options.yes === true,
        progress: (done, total) => void bar.update(done, total),
      })
      const tables = recoveries.flatMap((one) => one.tables)
      if (argument !== undefined && tables.length === 0) throw new DocumentError(`the documents have no table ${argument}`)
      const ok = tables.every(({ problem }) => problem === null)
      if (options.json === true) terminal.out(stringifyJson({ ok, tables: tables.map((one) => plain(one, prices)) }))
      else showRecoveries(tables, from, prices, terminal)
      return ok ? 0 : 1
    } finally {
      bar.stop()
    }
  },
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new DocumentError(`${file}: expected a file with offsets, and it can not be read: ${(error as Error).message}`)
  }
}

/** Where the tail goes on is a key and no more to a program. */
function plain({ partitions, duplicates, ...table }: DocumentRecovery['tables'][number], prices: Prices): object {
  return {
    ...table,
    partitions: partitions.map(({ frontier, ...one }) => ({ ...one, behind: frontier?.key ?? null })),
    duplicates: duplicates === null ? null : { ...duplicates, money: moneyToRemove(duplicates, prices) },
  }
}
