import type { Once } from '../pipeline/backfill/bill.ts'
import type { ManifestsReport } from '../service/maintain/table-rewriter.ts'
import { type Command, fileOption, jsonOption } from './command.ts'
import { readDocuments } from './documents.ts'
import { moneyText } from './money-text.ts'
import { pricesOption, readPrices } from './prices.ts'
import { tellOutcomes, withMoney } from './table-outcomes.ts'
import { formatBytes, formatNumberOf } from './units.ts'

interface RewriteManifestsOptions {
  readonly file: string
  readonly dryRun?: boolean
  readonly prices?: string
  readonly json?: boolean
}

/** `rewrite-manifests`: few of them, clustered by partition. */
export const rewriteManifestsCommand: Command<RewriteManifestsOptions> = {
  description:
    'Writes the manifests of each table again, as few as their entries need at commit.manifest.target-size-bytes, with the files of a partition side by side, so that a query that looks for some partitions reads few of them. No file and no row changes. Each commit of the service merges small manifests as well, in the order in which they came.',
  argument: { name: 'table', description: 'the table that is meant; all of the document without it' },
  options: [fileOption, { flags: '--dry-run', description: 'say what would be written, and change nothing' }, pricesOption, jsonOption],
  examples: [
    ['rewrite-manifests -f spec.yaml --dry-run', 'See how many manifests there are, and how many there would be:'],
    ['rewrite-manifests -f spec.yaml orders', 'Rewrite those of one table:'],
  ],
  async run({ argument, options }, terminal) {
    const { documents } = await readDocuments(options.file)
    const prices = await readPrices(options.prices)
    const [{ workInDocuments }, { rewriteManifestsOf }] = await Promise.all([
      import('../compose.ts'),
      import('../service/maintain/rewrite-manifests.ts'),
    ])
    const dryRun = options.dryRun === true
    const tables = await workInDocuments(documents, (document, source, seams) =>
      rewriteManifestsOf(document, argument, source, seams, { dryRun }),
    )
    const asked = { wanted: argument, json: options.json === true, dryRun }
    return tellOutcomes(withMoney(tables, prices, takes), asked, (done) => [sentence(done, dryRun)], terminal)
  },
}

function takes({ bytes, requests: { gets, puts } }: ManifestsReport) {
  return { gets, writes: puts, readBytes: bytes, coreSeconds: 0 }
}

function sentence(report: ManifestsReport & { readonly money: Once }, dryRun: boolean): string {
  const { manifests, rewritten, bytes, written, money, requests } = report
  const all = formatNumberOf(manifests, 'manifest')
  if (rewritten === 0) return `nothing to rewrite among ${all}`
  const asked = `${formatNumberOf(requests.gets, 'GET')} and ${formatNumberOf(requests.puts, 'PUT')}; ${moneyText(money.total, money)}`
  return `${rewritten} of ${all} (${formatBytes(bytes)}) ${dryRun ? 'would be' : 'are'} ${written} now${dryRun ? `, in 1 commit, with ${asked}` : ''}`
}
