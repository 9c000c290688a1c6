import type { DocumentVerification } from '../service/verify/verifier.ts'
import type { Finding } from '../pipeline/verify/finding.ts'
import type { SourceFact } from '../pipeline/verify/source-fact.ts'
import type { TableVerification } from '../pipeline/verify/verification.ts'
import { printable } from './printable.ts'
import { type Column, tableLines } from './table.ts'
import type { Terminal } from './terminal.ts'
import { formatCount, formatNumberOf } from './units.ts'

/** Findings of one table that are listed; the rest is counted. */
const listedFindings = 50

/** Whether nothing was found and every table was judged. */
export function isClean(verifications: readonly DocumentVerification[]): boolean {
  return verifications.every(({ tables }) => tables.every(({ findings, problem }) => findings.length === 0 && problem === null))
}

/** Writes verifications for people. */
export function showVerifications(verifications: readonly DocumentVerification[], terminal: Terminal): void {
  for (const [i, { name, tables }] of verifications.entries()) {
    if (i > 0) terminal.out('')
    terminal.out(terminal.style('bold', printable(name)))
    if (tables.length === 0) terminal.out('  no topic of the source matches yet')
    else showTables(tables, terminal)
  }
}

function showTables(tables: readonly TableVerification[], terminal: Terminal): void {
  const { style } = terminal
  for (const line of tableLines(tableColumns, tables, style)) terminal.out(line)
  for (const { table, notes, problem, newlyAccepted, retraction, facts } of tables) {
    if (retraction !== null) terminal.out(`  ${retractionText(printable(table), retraction, terminal)}`)
    for (const [kind, own] of Map.groupBy(facts, (fact) => fact.kind)) {
      const places = own.slice(0, listedFacts).map((fact) => printable(factText(fact)))
      const more = own.length > listedFacts ? `, and ${formatCount(own.length - listedFacts)} more (--json lists them all)` : ''
      terminal.out(`  ${style('yellow', 'source')}  ${printable(table)}: ${factTitles[kind]}: ${places.join(', ')}${more}`)
    }
    if (newlyAccepted !== null)
      terminal.out(`  ${style('green', 'accepted')}  ${printable(table)}: ${formatNumberOf(newlyAccepted, 'offset')}`)
    for (const note of notes) terminal.out(`  ${style('yellow', 'note')}  ${printable(table)}: ${printable(note)}`)
    if (problem !== null) terminal.out(`  ${style('red', 'not judged')}  ${printable(problem)}`)
  }
  const findings = tables.flatMap((table) => table.findings)
  if (findings.length === 0) return
  terminal.out('')
  for (const line of tableLines(findingColumns, findings.slice(0, listedFindings), style)) terminal.out(line)
  const unlisted = tables.reduce((sum, table) => sum + table.unlisted, 0)
  const [more, kept] = [
    findings.length + unlisted - listedFindings,
    unlisted === 0 ? 'them all' : `the first ${formatCount(findings.length)}`,
  ]
  if (more > 0) terminal.out(`  and ${formatCount(more)} more (--json lists ${kept})`)
  for (const kind of new Set(findings.map((one) => one.kind))) terminal.out(`  ${style('yellow', kind)}  ${whatToDo[kind]}`)
}

/** What a person does about findings. */
const whatToDo: Readonly<Record<Finding['kind'], string>> = {
  missing:
    'verify --retract --yes and then backfill --missing bring back the rows whose segments are still there; where they were deleted on purpose, --accept SNAPSHOT. Where no snapshot is named and the segment is gone (a note counts those), --retract --yes makes gaps of them, which --accept takes with the newest snapshot of this program',
  duplicate: 'recover --duplicates TABLE leaves one row of each offset; where a file was added twice, it says what to do instead',
  hole: 'backfill --missing brings the records in',
  gap: 'nobody can bring back what the source does not have; when you know why, --accept the newest snapshot of this program (snapshotId in status --json)',
  altered: 'restore the file; where that can not be, backfill --rebuild makes the table anew from what the source has',
  differs: 'somebody changed the rows, or the mapping was another when they were written; backfill --rebuild makes the table anew',
  rewritten: 'rows stay those of what was read; backfill --rebuild makes the table anew from what the source has now',
}

/** Facts of one kind that are listed; the rest is counted. */
const listedFacts = 5

const factTitles: Readonly<Record<SourceFact['kind'], string>> = {
  'without-index': 'segments without an index do not count',
  overlap: 'segments overlap, and the earlier one counts',
  gone: 'no segment is left, so that the table alone tells',
  damaged: 'segments are not sound',
  unreadable: 'segments can not be read',
}

function factText({ key, start, end, reason }: SourceFact): string {
  return `${key} [${start}, ${end})${reason === undefined ? '' : `: ${reason}`}`
}

function retractionText(table: string, { offsets, done }: NonNullable<TableVerification['retraction']>, { style }: Terminal): string {
  if (offsets === 0n) return `${style('green', 'nothing to retract')}  ${table}: no row is missing`
  const what = formatNumberOf(offsets, 'offset')
  return done
    ? `${style('green', 'retracted')}  ${table}: ${what}; backfill --missing materializes what is a hole now`
    : `${style('yellow', 'would retract')}  ${table}: ${what}, which would be materialized again; --yes does it`
}

const tableColumns: readonly Column<TableVerification>[] = [
  { title: 'TABLE', cell: ({ table }) => printable(table) },
  { title: 'FILES', align: 'right', cell: ({ counts }) => formatCount(counts.files) },
  { title: 'ROWS', align: 'right', cell: ({ counts }) => formatCount(counts.rows) },
  { title: 'DECIDED', align: 'right', cell: ({ counts }) => formatCount(counts.decided) },
  { title: 'CONTROL', align: 'right', cell: ({ counts }) => someCount(counts.control) },
  { title: 'SKIPPED', align: 'right', cell: ({ counts }) => someCount(counts.skipped) },
  { title: 'REMOVED BY US', align: 'right', cell: ({ counts }) => someCount(counts.removed) },
  { title: 'ACCEPTED', align: 'right', cell: ({ counts }) => someCount(counts.accepted) },
  { title: 'COMPARED', align: 'right', cell: ({ counts }) => someCount(counts.compared) },
  { title: 'OTHER ROWS', align: 'right', cell: ({ counts }) => someCount(counts.others) },
  { title: 'SEGMENTS', align: 'right', cell: ({ counts }) => formatCount(counts.segments) },
  {
    title: 'RESULT',
    cell({ exists, findings, unlisted, problem, retraction }) {
      if (!exists) return 'no table yet'
      if (problem !== null) return 'not judged'
      // What was taken back is a hole from then on: the table is not clean until that is filled.
      const left = retraction?.done === true ? 'retracted' : 'clean'
      return findings.length === 0 ? left : formatNumberOf(findings.length + unlisted, 'finding')
    },
  },
]

const findingColumns: readonly Column<Finding>[] = [
  { title: 'FINDING', cell: ({ kind }) => kind },
  { title: 'TABLE', cell: ({ table }) => printable(table) },
  { title: 'TOPIC', cell: ({ topic }) => printable(topic) },
  { title: 'PARTITION', align: 'right', cell: ({ partition }) => `${partition}` },
  { title: 'FROM', align: 'right', cell: ({ start }) => `${start}` },
  { title: 'TO (EXCLUSIVE)', align: 'right', cell: ({ end }) => `${end}` },
  { title: 'OFFSETS', align: 'right', cell: ({ start, end }) => formatCount(end - start) },
  { title: 'SNAPSHOT', cell: ({ snapshot }) => (snapshot === null ? '' : `${snapshot}`) },
]

function someCount(count: bigint): string {
  return count === 0n ? '' : formatCount(count)
}
