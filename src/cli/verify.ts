import { setFlagsFromString } from 'node:v8'
import { stringifyJson } from '../formats/json/exact.ts'
import { type Bound, isReversed } from '../model/bound.ts'
import { DocumentError } from '../model/failure.ts'
import type { DocumentVerification } from '../service/verify/verifier.ts'
import type { Scope } from '../pipeline/verify/scope.ts'
import type { ReadingPlan } from '../pipeline/verify/verification.ts'
import { boundOf } from './bound.ts'
import { type Command, fileOption, jsonOption } from './command.ts'
import { readDocuments } from './documents.ts'
import { partitionNumbers } from './partition-numbers.ts'
import { formatBytes, formatNumberOf } from './units.ts'
import { isClean, showVerifications } from './verify-text.ts'

interface VerifyCommandOptions {
  readonly file: string
  readonly exact?: boolean
  readonly values?: boolean
  readonly sample?: number
  readonly accept?: bigint
  readonly table?: string
  readonly topic?: string
  readonly partition?: readonly number[]
  readonly from?: Bound
  readonly to?: Bound
  readonly retract?: boolean
  readonly yes?: boolean
  readonly json?: boolean
}

/** `verify`: whether every record is a row, once. */
export const verifyCommand: Command<VerifyCommandOptions> = {
  description:
    'Sets the tables against the segments: every offset that was decided has its row once, save control records and what was skipped. Reports what is missing, twice, a hole (a segment that was never read), a gap (missing in the source), altered files, and segments that were written again since, each with its place. Reads manifests, the footers of data files and the listing of the source; the rows themselves only where those do not add up. Changes nothing, save what --accept notes and what --retract --yes takes back. Exit code 1 with findings.',
  options: [
    fileOption,
    { flags: '--exact', description: 'read where each row comes from, instead of believing what its file says' },
    { flags: '--values', description: 'decode segments once more and compare what they give with the values of the rows' },
    { flags: '--sample <n>', description: 'of so many segments of each table, chosen at random, and not of all', parse: sampleSize },
    {
      flags: '--accept <snapshot>',
      description:
        'note in the table that rows which this snapshot of another writer removed are missing on purpose; with a snapshot of this program, that the gaps are known',
      parse: snapshotId,
    },
    { flags: '--table <name>', description: 'look at this table alone' },
    { flags: '--topic <topic>', description: 'look at the rows of this topic alone' },
    {
      flags: '--partition <list>',
      description: 'look at these of its partitions alone: 0,3,8-11',
      parse: partitionNumbers('--partition'),
    },
    {
      flags: '--from <bound>',
      description: 'look at what lies behind this offset of the topic, or this time of a record, itself included',
      parse: boundOf('--from'),
    },
    { flags: '--to <bound>', description: 'look at what lies before this offset, or this time of a record', parse: boundOf('--to') },
    {
      flags: '--retract',
      description:
        'have rows that are missing materialized again: their offsets are taken out of what counts as decided; shows them, and no more',
    },
    { flags: '--yes', description: 'do what --retract shows' },
    jsonOption,
  ],
  examples: [
    ['verify -f spec.yaml', 'See whether anything is missing, or there twice:'],
    ['verify -f spec.yaml --exact --table orders', 'The same of one table, believing no metadata:'],
    ['verify -f spec.yaml --accept 5497767374687514363', 'Someone deleted rows on purpose; report them no more:'],
    ['verify -f spec.yaml --values --sample 100', 'See whether rows have the values of their records, for some segments:'],
    ['verify -f spec.yaml --topic orders --partition 3 --from 120000 --to 130000', 'Some offsets of one partition:'],
    ['verify -f spec.yaml --from 2026-11-01 --to 2026-11-02', 'The records of one day:'],
    ['verify -f spec.yaml --table orders --retract --yes', 'Someone deleted rows by mistake; have them materialized again:'],
    ['verify -f spec.yaml --json', 'For a program; offsets and ids are exact:'],
  ],
  async run({ options }, terminal) {
    const scope = scopeOf(options)
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
        scope,
        values: options.values === true ? (options.sample ?? 'all') : null,
        retract: options.retract !== true ? null : options.yes === true ? 'commit' : 'dry',
        tell: (plan) => {
          const text = planText(plan)
          if (options.json !== true && text !== null) terminal.err(terminal.errStyle('dim', text))
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

function scopeOf({ topic, partition, from, to, retract, yes, accept, values, sample }: VerifyCommandOptions): Scope {
  if (yes === true && retract !== true) throw new DocumentError('--yes: it confirms --retract, which is missing')
  if (retract === true && accept !== undefined)
    throw new DocumentError('--retract: what is accepted stays away, so it goes without --accept')
  if (sample !== undefined && values !== true) throw new DocumentError('--sample: it is about --values, which is missing')
  const isOffset = (bound: Bound | undefined) => bound != null && 'offset' in bound
  const narrow = partition !== undefined ? '--partition' : isOffset(from) ? '--from' : isOffset(to) ? '--to' : null
  if (topic === undefined && narrow !== null) throw new DocumentError(`${narrow}: it is about one topic; say which with --topic`)
  if (isReversed(from ?? null, to ?? null)) throw new DocumentError('--to: it is not behind --from')
  return { topic: topic ?? null, partitions: partition ?? null, from: from ?? null, to: to ?? null }
}

function sampleSize(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new DocumentError(`--sample: expected a number of segments, found ${JSON.stringify(text)}`)
  return Number(text)
}

function snapshotId(text: string): bigint {
  if (!/^[1-9]\d{0,18}$/.test(text)) throw new DocumentError(`--accept: expected a snapshot's id, found ${JSON.stringify(text)}`)
  return BigInt(text)
}

/** A table, a topic or a snapshot that is nowhere was written wrongly. */
function refuseUnknown({ table, topic, accept }: VerifyCommandOptions, verifications: readonly DocumentVerification[]): void {
  const tables = verifications.flatMap((one) => one.tables)
  if (table !== undefined && tables.length === 0) throw new DocumentError(`--table: the documents have no table ${table}`)
  // What was left out of times is said in notes.
  const hasNothing = ({ reading, notes, problem }: (typeof tables)[number]) =>
    problem === null && notes.length === 0 && (reading?.partitions ?? 0) === 0
  if (topic !== undefined && tables.every(hasNothing))
    throw new DocumentError(`--topic: the tables have no decided offset of ${topic}, or of these partitions of it`)
  if (accept !== undefined && tables.every(({ newlyAccepted, problem }) => newlyAccepted === null && problem === null)) {
    throw new DocumentError(`--accept: no table of the documents has a snapshot ${accept}`)
  }
}

/** What is going to be read. */
function planText({
  table,
  step,
  manifests,
  files,
  deleteFiles,
  bytes,
  partitions,
  requests,
  exact,
  segments,
  values,
}: ReadingPlan): string | null {
  if (segments !== null) {
    const around = `${formatNumberOf(segments.segments, 'segment')} of ${formatBytes(segments.bytes)}, where offsets have no row`
    const compared = `${formatNumberOf(values?.segments ?? 0, 'segment')} and the rows of data files, about ${formatBytes(values?.bytes ?? 0)}: ${formatNumberOf(values?.get ?? 0, 'GET')}`
    const read = [...(segments.segments > 0 ? [around] : []), ...(values === null ? [] : [`to compare values, ${compared}`])]
    return read.length === 0 ? null : `${table}: reads ${read.join('; and ')}`
  }
  if (step === 'manifests') {
    if (manifests.manifests === 0) return null
    return `${table}: reads ${formatNumberOf(manifests.manifests, 'manifest')}, ${formatBytes(manifests.bytes)}: ${formatNumberOf(manifests.manifests, 'GET')}`
  }
  if (step === 'listing')
    return partitions === 0
      ? null
      : `${table}: lists ${formatNumberOf(partitions, 'topic-partition')}: ${formatNumberOf(requests.list, 'LIST')}`
  if (files + deleteFiles === 0) return null
  const what = exact ? 'the Kafka columns' : 'the footers'
  const deletes = deleteFiles === 0 ? '' : ` and ${formatNumberOf(deleteFiles, 'delete file')}`
  return `${table}: reads ${what} of ${formatNumberOf(files, 'data file')}${deletes}, about ${formatBytes(bytes)}: ${formatNumberOf(requests.get, 'GET')}`
}
