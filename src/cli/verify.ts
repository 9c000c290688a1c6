import { setFlagsFromString } from 'node:v8'
import { stringifyJson } from '../formats/json/exact.ts'
import { DocumentError } from '../model/failure.ts'
import type { DocumentVerification } from '../pipeline/verifier.ts'
import type { ReadingPlan } from '../pipeline/verify/verification.ts'
import { type Command, fileOption, jsonOption } from './command.ts'
import { readDocuments } from './documents.ts'
import type { Terminal } from './terminal.ts'
import { formatBytes, formatNumberOf } from './units.ts'
import { isClean, showVerifications } from './verify-text.ts'

interface VerifyCommandOptions {
  readonly file: string
  readonly exact?: boolean
  readonly accept?: bigint
  readonly table?: string
  readonly json?: boolean
}

/** `verify`: whether every record is a row, once. */
export const verifyCommand: Command<VerifyCommandOptions> = {
  description:
    'Sets the tables against the segments: every offset that was decided has its row once, save control records and what was skipped. Reports what is missing, twice, a hole (a segment that was never read), a gap (missing in the source), altered files, and segments that were written again since, each with its place. Reads manifests, the footers of data files and the listing of the source; the rows themselves only where those do not add up. Changes nothing, save what --accept notes. Exit code 1 with findings.',
  options: [
    fileOption,
    { flags: '--exact', description: 'read where each row comes from, instead of believing what its file says' },
    {
      flags: '--accept <snapshot>',
      description:
        'note in the table that rows which this snapshot of another writer removed are missing on purpose; with a snapshot of this program, that the gaps are known',
      parse: snapshotId,
    },
    { flags: '--table <name>', description: 'look at this table alone' },
    jsonOption,
  ],
  examples: [
    ['verify -f spec.yaml', 'See whether anything is missing, or there twice:'],
    ['verify -f spec.yaml --exact --table orders', 'The same of one table, believing no metadata:'],
    ['verify -f spec.yaml --accept 5497767374687514363', 'Someone deleted rows on purpose; report them no more:'],
    ['verify -f spec.yaml --json', 'For a program; offsets and ids are exact:'],
  ],
  async run({ options }, terminal) {
    // Thousands of footers are read and forgotten: V8 would rather let its heap grow than look for them.
    setFlagsFromString('--optimize-for-size')
    const { documents } = await readDocuments(options.file)
    const { documentVerifications } = await import('../compose.ts')
    const bar = terminal.progress('reading files')
    try {
      const verifications = await documentVerifications(documents, {
        exact: options.exact === true,
        table: options.table ?? null,
        accept: options.accept ?? null,
        tell: (plan) => {
          if (options.json !== true) terminal.err(planText(plan, terminal))
        },
        progress: (done, total) => void bar.update(done, total),
      })
      refuseUnknown(options, verifications)
      const ok = isClean(verifications)
      if (options.json === true) {
        const tables = verifications.flatMap((one) => one.tables)
        const findings = tables.flatMap((table) => table.findings)
        terminal.out(stringifyJson({ ok, findings, tables: tables.map(({ findings: _listed, ...table }) => table) }))
      } else showVerifications(verifications, terminal)
      return ok ? 0 : 1
    } finally {
      bar.stop()
    }
  },
}

function snapshotId(text: string): bigint {
  if (!/^[1-9]\d{0,18}$/.test(text)) throw new DocumentError(`--accept: expected a snapshot's id, found ${JSON.stringify(text)}`)
  return BigInt(text)
}

/** A table or a snapshot that is nowhere was written wrongly. */
function refuseUnknown({ table, accept }: VerifyCommandOptions, verifications: readonly DocumentVerification[]): void {
  const tables = verifications.flatMap((one) => one.tables)
  if (table !== undefined && tables.length === 0) throw new DocumentError(`--table: the documents have no table ${table}`)
  if (accept !== undefined && tables.every(({ newlyAccepted, problem }) => newlyAccepted === null && problem === null)) {
    throw new DocumentError(`--accept: no table of the documents has a snapshot ${accept}`)
  }
}

/** What is going to be read. */
function planText({ table, files, deleteFiles, bytes, partitions, exact }: ReadingPlan, { errStyle }: Terminal): string {
  const what = exact ? 'the Kafka columns' : 'the footers'
  const deletes = deleteFiles === 0 ? '' : ` and ${formatNumberOf(deleteFiles, 'delete file')}`
  const requests = `${formatNumberOf(files + deleteFiles, 'GET')} or more, ${formatNumberOf(partitions, 'LIST')} or more`
  return errStyle(
    'dim',
    `${table}: reads ${what} of ${formatNumberOf(files, 'data file')}${deletes}, about ${formatBytes(bytes)}: ${requests}`,
  )
}
