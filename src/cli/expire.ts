import type { Once } from '../pipeline/backfill/bill.ts'
import type { ExpiryReport } from '../service/maintain/table-expirer.ts'
import { type Command, fileOption, jsonOption } from './command.ts'
import { readDocuments } from './documents.ts'
import { moneyText } from './money-text.ts'
import { pricesOption, readPrices } from './prices.ts'
import { printable } from './printable.ts'
import { tellOutcomes, withMoney } from './table-outcomes.ts'
import { formatBytes, formatNumberOf } from './units.ts'

interface ExpireOptions {
  readonly file: string
  readonly dryRun?: boolean
  readonly prices?: string
  readonly json?: boolean
}

/** `expire`: old snapshots go, and the files that they alone named. */
export const expireCommand: Command<ExpireOptions> = {
  description:
    "Takes old snapshots out of the tables' history, by the document's maintenance.expiry, and removes the files that no snapshot left names. Branches and tags keep what they name; a table with gc.enabled=false is left alone. The service does this by itself unless maintenance.expiry.enabled is false. What is removed can be read no more.",
  argument: { name: 'table', description: 'the table that is meant; all of the document without it' },
  options: [fileOption, { flags: '--dry-run', description: 'say what would go, and change nothing' }, pricesOption, jsonOption],
  examples: [
    ['expire -f spec.yaml --dry-run', 'See which snapshots and files would go:'],
    ['expire -f spec.yaml orders', 'Expire old snapshots of one table:'],
  ],
  async run({ argument, options }, terminal) {
    const { documents } = await readDocuments(options.file)
    const prices = await readPrices(options.prices)
    const [{ workInDocuments }, { expireTables }] = await Promise.all([
      import('../compose.ts'),
      import('../service/maintain/expire-tables.ts'),
    ])
    const dryRun = options.dryRun === true
    const tables = await workInDocuments(documents, (document, source, seams) =>
      expireTables(document, argument, source, seams, { dryRun }),
    )
    const asked = { wanted: argument, json: options.json === true, dryRun }
    const takes = ({ requests }: ExpiryReport) => ({ gets: requests.gets, writes: requests.puts, readBytes: 0, coreSeconds: 0 })
    return tellOutcomes(withMoney(tables, prices, takes), asked, (done) => [sentence(done, dryRun)], terminal)
  },
}

type Told = ExpiryReport & { readonly money: Once }

function sentence({ snapshots, refs, kept, files, bytes, requests, money, left }: Told, dryRun: boolean): string {
  if (snapshots.length === 0 && refs.length === 0) return `nothing to expire, ${formatNumberOf(kept, 'snapshot')} kept`
  const ended = refs.length === 0 ? '' : `, ${refs.map(printable).join(', ')} ended`
  const parts = [
    formatNumberOf(files.data, 'data file'),
    formatNumberOf(files.deletes, 'delete file'),
    formatNumberOf(files.manifest + files.manifestList, 'manifest file'),
    formatNumberOf(files.statistics, 'statistics file'),
  ].filter((part) => !part.startsWith('0 '))
  const said = `${formatNumberOf(snapshots.length, 'snapshot')} ${dryRun ? 'would be expired' : 'expired'}, ${kept} kept${ended}`
  const removed = `${parts.length === 0 ? 'no file' : parts.join(', ')} ${dryRun ? 'would be removed' : 'removed'} (${formatBytes(bytes)}${files.manifestList === 0 ? '' : ', manifest lists aside'})`
  if (dryRun) {
    const put = requests.puts === 0 ? '' : `, ${formatNumberOf(requests.puts, 'PUT')}`
    const asked = `${formatNumberOf(requests.gets, 'GET')}${put} and ${formatNumberOf(requests.deletes, 'DELETE')}`
    return `${said}; ${removed}, in 1 commit, with ${asked}; ${moneyText(money.total, money)}`
  }
  return `${said}; ${removed}${left === 0 ? '' : `, ${formatNumberOf(left, 'file')} left to the orphan sweep`}`
}
