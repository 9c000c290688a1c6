/** What can be done for a table beside feeding it. */
export type UpkeepKind = 'retention' | 'compaction' | 'manifests' | 'expiry' | 'orphans'

/** What is due of a table's upkeep, and why something is not done now. */
export interface UpkeepDecision {
  readonly kind: UpkeepKind
  /** Done now. */
  readonly due: boolean
  /** What there is to do, or why it is not done. */
  readonly reason: string
}

/** When something was done last, ms; null: not yet. Undefined: the running service alone knows, where no table can tell it. */
type LastMs = number | null | undefined

/** What decides. */
export interface UpkeepFacts {
  /** The catalog that does it itself, as a sentence's subject. */
  readonly ownUpkeep: string | undefined
  /** Whether this program made the table. */
  readonly isOurs: boolean
  readonly gcDisabled: boolean
  readonly retention: {
    /** How long rows are kept, days; undefined: for ever. */
    readonly days: number | undefined
    /** Why their age can not be told; null: it can. */
    readonly problem: string | null
    readonly lastMs: LastMs
  }
  readonly compaction: {
    /** By the document; undefined where it does not say. */
    readonly enabled: boolean | undefined
    /** Why the document's memory is not for a rewrite; null: it is. */
    readonly lack: string | null
    /** Data files, and as many as the data would be at the target size; null where the snapshot does not tell. */
    readonly files: number | null
    readonly filesAtTarget: number | null
    readonly deleteFiles: number
    /** Files that came with commits of the last minutes, and are left alone: as many at most; null: no commit is so young. */
    readonly young: { readonly files: number; readonly minutes: number } | null
    /** Of the hour's budget. */
    readonly bytesLeft: number
    /** Data files that were worth a rewrite when it was looked for last, and went beyond the budget; 0 where nobody looked. */
    readonly postponed: number
    /** Backfills under way, whose tasks come before those of rewrites. */
    readonly backfills: readonly string[]
    readonly isRunning: boolean
    readonly lastMs: number | null
  }
  readonly manifests: { readonly lastMs: LastMs }
  readonly expiry: {
    /** By the document; undefined where it does not say. */
    readonly enabled: boolean | undefined
    /** Snapshots that can go now. */
    readonly expired: number
    readonly maxSnapshots: number
    /** When it was done last, ms; null: not yet, as far as is known. */
    readonly lastMs: number | null
  }
  readonly orphans: {
    /** By the document; undefined where it does not say. */
    readonly enabled: boolean | undefined
    readonly lastMs: LastMs
  }
}

/** Few snapshots are expired no more often than this: each time, what is left of the history is read. */
const expireEveryMs = 3_600_000
/** What is worth a rewrite is told by reading all manifests. */
const compactEveryMs = 600_000
/** Fewer files are not joined. */
const fewFiles = 5
/** The manifests of fewer files are so few megabytes that it does not matter which of them a query reads. */
const manyFiles = 10_000
/** A sweep lists everything that the table has, and rows are kept by whole days. */
const dailyMs = 24 * 3_600_000

/** Decides what is done for a table now, in the order in which it is done: what one leaves behind, the next takes away. Pure. */
export function dueUpkeep(facts: UpkeepFacts, nowMs: number): UpkeepDecision[] {
  return [
    { kind: 'retention', ...retentionDue(facts, nowMs) },
    { kind: 'compaction', ...compactionDue(facts, nowMs) },
    { kind: 'manifests', ...manifestsDue(facts, nowMs) },
    { kind: 'expiry', ...expiryDue(facts, nowMs) },
    { kind: 'orphans', ...orphansDue(facts, nowMs) },
  ]
}

function not(reason: string): Omit<UpkeepDecision, 'kind'> {
  return { due: false, reason }
}

function orphansDue({ ownUpkeep, gcDisabled, orphans }: UpkeepFacts, nowMs: number): Omit<UpkeepDecision, 'kind'> {
  const { enabled, lastMs } = orphans
  if (ownUpkeep !== undefined) return not(`${ownUpkeep} removes orphans by itself`)
  if (enabled !== true) return not('off unless maintenance.orphans.enabled is true')
  if (gcDisabled) return not('the table says gc.enabled=false')
  return daily(lastMs, nowMs)
}

function retentionDue({ retention }: UpkeepFacts, nowMs: number): Omit<UpkeepDecision, 'kind'> {
  const { days, problem, lastMs } = retention
  if (days === undefined) return not('rows stay unless maintenance.retention says for how long')
  return problem === null ? daily(lastMs, nowMs) : not(problem)
}

function compactionDue({ ownUpkeep, isOurs, compaction }: UpkeepFacts, nowMs: number): Omit<UpkeepDecision, 'kind'> {
  const { lack, files, filesAtTarget, deleteFiles, young, bytesLeft, postponed, backfills, isRunning, lastMs } = compaction
  const behind = backfills.length === 0 ? '' : `; its tasks wait for those of backfill ${backfills.join(', ')}`
  const off = rewritesOff({ ownUpkeep, isOurs, compaction })
  if (off !== null) return not(off)
  if (lack !== null) return not(`processing.memoryLimitBytes: ${lack}`)
  if (isRunning) return not(`under way${behind}`)
  if (bytesLeft <= 0) return not('what may be rewritten in an hour was: maintenance.compaction.bytesPerHour')
  const deletes = deleteFiles === 0 ? '' : ` with ${deleteFiles} delete file${deleteFiles === 1 ? '' : 's'}`
  const some =
    files === null || filesAtTarget === null
      ? 'its snapshot does not say how many files it has'
      : `${files} data file${files === 1 ? '' : 's'}${deletes}, ${filesAtTarget} would do at the target size`
  if (files !== null && files < fewFiles && files >= (filesAtTarget ?? 0) && deleteFiles === 0) return not(some)
  const alone = young === null ? '' : `; up to ${young.files} came in the last ${young.minutes} min, and are left alone`
  if (files !== null && young !== null && files - young.files < fewFiles && files >= (filesAtTarget ?? 0) && deleteFiles === 0)
    return not(some + alone)
  const waitMs = lastMs === null ? 0 : lastMs + compactEveryMs - nowMs
  if (waitMs <= 0) return { due: true, reason: some + alone + behind }
  const beyond = postponed === 0 ? '' : `; ${postponed} wait for maintenance.compaction.bytesPerHour`
  return not(`${some}${alone}${beyond}; looked at again in ${Math.ceil(waitMs / 60_000)} min`)
}

/** Why nothing of the table is rewritten; null where it is. */
function rewritesOff({
  ownUpkeep,
  isOurs,
  compaction: { enabled },
}: Pick<UpkeepFacts, 'ownUpkeep' | 'isOurs' | 'compaction'>): string | null {
  if (ownUpkeep !== undefined) return `${ownUpkeep} rewrites files by itself`
  if (enabled === false) return 'off by maintenance.compaction.enabled'
  if (enabled === true || isOurs) return null
  return 'the table was made by others; maintenance.compaction.enabled: true rewrites its files'
}

function manifestsDue(facts: UpkeepFacts, nowMs: number): Omit<UpkeepDecision, 'kind'> {
  const off = rewritesOff(facts)
  if (off !== null) return not(off)
  const { files } = facts.compaction
  if (files === null) return not('its snapshot does not say how many files it has')
  if (files < manyFiles) return not(`the manifests of fewer than ${manyFiles} files are not clustered by partition`)
  return daily(facts.manifests.lastMs, nowMs)
}

function daily(lastMs: LastMs, nowMs: number): Omit<UpkeepDecision, 'kind'> {
  if (lastMs === undefined) return not('once a day; when it was last, the running service knows')
  if (lastMs === null) return { due: true, reason: 'once a day' }
  const waitMs = lastMs + dailyMs - nowMs
  return waitMs <= 0
    ? { due: true, reason: `once a day, done ${ago(lastMs, nowMs)}` }
    : not(`done ${ago(lastMs, nowMs)}, once a day: again in ${hours(waitMs)}`)
}

function ago(lastMs: number, nowMs: number): string {
  return `${hours(nowMs - lastMs)} ago`
}

/** From two hours on in hours, before in minutes. */
function hours(ms: number): string {
  return ms >= 7_200_000 ? `${Math.round(ms / 3_600_000)} h` : `${Math.round(ms / 60_000)} min`
}

function expiryDue({ ownUpkeep, isOurs, gcDisabled, expiry }: UpkeepFacts, nowMs: number): Omit<UpkeepDecision, 'kind'> {
  const { enabled, expired, maxSnapshots, lastMs } = expiry
  if (ownUpkeep !== undefined) return not(`${ownUpkeep} expires snapshots by itself`)
  if (enabled === false) return not('off by maintenance.expiry.enabled')
  if (enabled === undefined && !isOurs) return not('the table was made by others; maintenance.expiry.enabled: true expires its snapshots')
  if (gcDisabled) return not('the table says gc.enabled=false')
  if (expired === 0) return not(`no snapshot is too old or too many${lastMs === null ? '' : `; some were expired ${ago(lastMs, nowMs)}`}`)
  const some = `${expired} snapshot${expired === 1 ? '' : 's'} can go`
  if (expired >= Math.max(1, Math.floor(maxSnapshots / 10))) return { due: true, reason: some }
  const waitMs = lastMs === null ? 0 : lastMs + expireEveryMs - nowMs
  return waitMs > 0 ? not(`${some}, in ${Math.ceil(waitMs / 60_000)} min with others`) : { due: true, reason: some }
}
