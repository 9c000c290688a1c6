import type { ManifestsReport } from '../service/maintain/table-rewriter.ts'
import { type Command, fileOption, jsonOption } from './command.ts'
import { readDocuments } from './documents.ts'
import { tellOutcomes } from './table-outcomes.ts'
import { formatBytes, formatNumberOf } from './units.ts'

interface RewriteManifestsOptions {
  readonly file: string
  readonly dryRun?: boolean
  readonly json?: boolean
}

/** `rewrite-manifests`: few of them, clustered by partition. */
export const rewriteManifestsCommand: Command<RewriteManifestsOptions> = {
  description:
    'Writes the manifests of each table again, as few as their entries need at commit.manifest.target-size-bytes, with the files of a partition side by side, so that a query that looks for some partitions reads few of them. No file and no row changes. Each commit of the service merges small manifests as well, in the order in which they came.',
  argument: { name: 'table', description: 'the table that is meant; all of the document without it' },
  options: [fileOption, { flags: '--dry-run', description: 'say what would be written, and change nothing' }, jsonOption],
  examples: [
    ['rewrite-manifests -f spec.yaml --dry-run', 'See how many manifests there are, and how many there would be:'],
    ['rewrite-manifests -f spec.yaml orders', 'Rewrite those of one table:'],
  ],
  async run({ argument, options }, terminal) {
    const { documents } = await readDocuments(options.file)
    const [{ workInDocuments }, { rewriteManifestsOf }] = await Promise.all([
      import('../compose.ts'),
      import('../service/maintain/rewrite-manifests.ts'),
    ])
    const dryRun = options.dryRun === true
    const tables = await workInDocuments(documents, (document, source, seams) =>
      rewriteManifestsOf(document, argument, source, seams, { dryRun }),
    )
    const asked = { wanted: argument, json: options.json === true, dryRun }
    return tellOutcomes(tables, asked, (done) => [sentence(done, dryRun)], terminal)
  },
}

function sentence({ manifests, rewritten, bytes, written }: ManifestsReport, dryRun: boolean): string {
  const all = formatNumberOf(manifests, 'manifest')
  if (rewritten === 0) return `nothing to rewrite among ${all}`
  // Beside them the manifest list, read and written.
  const requests = `${formatNumberOf(rewritten + 1, 'GET')} and ${formatNumberOf(written + 1, 'PUT')}`
  return `${rewritten} of ${all} (${formatBytes(bytes)}) ${dryRun ? 'would be' : 'are'} ${written} now${dryRun ? `, in 1 commit, with ${requests}` : ''}`
}
