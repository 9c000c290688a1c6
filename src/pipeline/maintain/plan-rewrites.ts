import { createHash } from 'node:crypto'
import { fileKey } from '../../formats/iceberg/file-key.ts'
import { type DeleteIndex, referencedPath, scopeOf } from './delete-index.ts'
import { noCost, type RewriteCost, rewriteCost, sumCosts } from './rewrite-cost.ts'
import type { sortCost, Sorting } from './sort-cost.ts'
import type { LiveDelete, LiveFile, RewriteGroup, RewriteInput } from './rewrite-flow.ts'

/** What is worth a rewrite. */
export interface RewritePolicy {
  /** The size that files should have. Those under 0.75 of it are joined, those over 1.8 of it are cut. */
  readonly targetFileSizeBytes: number
  /** Whether a file is to be left alone for now: the automatic policy leaves young ones. */
  readonly isQuiet: (file: LiveFile) => boolean
  /** Bytes of inputs and deletes, at most; the first group may be larger. Infinity: no bound. */
  readonly maxBytes: number
  /** Whether a file is rewritten whatever its size: to sort it anew. Absent: none is. */
  readonly mustRewrite?: (file: LiveFile) => boolean
  /** A file with so many delete files is rewritten whatever they take out of it. Default: 10. */
  readonly deleteFileThreshold?: number
  /** How rows are sorted, so that what that takes is told; absent: it is not. */
  readonly sorting?: Sorting
}

/** A rewrite that is worth it, as a task. */
export interface PlannedRewrite {
  /** Deterministic: the same inputs with the same deletes have the same id, whenever they are planned. */
  readonly id: string
  readonly group: RewriteGroup
  readonly cost: RewriteCost
}

export interface RewritePlan {
  readonly rewrites: readonly PlannedRewrite[]
  readonly cost: RewriteCost
  /** Rewrites that are worth it and went beyond `maxBytes`. */
  readonly postponed: RewriteCost
  /** Live data files, and of them those that are too small, too large or have too many deletes, and those among them that are left alone. */
  readonly files: number
  readonly wanting: number
  readonly quiet: number
}

const smallOfTarget = 0.75
const largeOfTarget = 1.8
/** As many small files are joined even where they do not fill one. */
const minInputs = 5
/** Deleted rows, of all: from here on reading past them costs more than writing the others once. */
const maxDeleteRatio = 0.1
/** Delete files of one data file, where nobody says otherwise. */
const maxDeleteFiles = 10

/**
 * Which data files to rewrite, decided by their manifest entries and the deletes' alone. Files of one spec and partition that are too
 * small are joined in the order in which they came, until they fill a file; one that is too large, or has many deletes, is rewritten for
 * itself. Of what does not fill a file, a beginning is joined in which no file is larger than all the others together, so that a
 * row is rewritten about log2(target size / first size) times, however often this is done.
 *
 * `readsOf`: how many GETs reading a file takes. `sortsOf`: what sorting the rows of files takes beside that; absent: they are not sorted. Holds the
 * files that want to be rewritten, without their metrics, and nothing of the others.
 */
export async function planRewrites(
  files: AsyncIterable<LiveFile> | Iterable<LiveFile>,
  deletes: DeleteIndex,
  sequenceNumber: bigint,
  policy: RewritePolicy,
  readsOf: (file: LiveFile) => number,
  sortsOf?: (files: readonly LiveFile[], sorting: Sorting) => ReturnType<typeof sortCost>,
): Promise<RewritePlan> {
  const target = policy.targetFileSizeBytes
  const candidates = new Map<string, Candidate[]>()
  const counts = { files: 0, wanting: 0, quiet: 0 }
  for await (const live of files) {
    counts.files++
    if (live.file.fileFormat !== 'PARQUET') continue
    const applying = deletes.size === 0 ? [] : deletes.of(live)
    const isHeavy = hasManyDeletes(live, applying, policy.deleteFileThreshold) || policy.mustRewrite?.(live) === true
    const bytes = Number(live.file.fileSizeInBytes)
    const isSmall = bytes < smallOfTarget * target
    if (!isSmall && bytes <= largeOfTarget * target && !isHeavy) continue
    counts.wanting++
    if (policy.isQuiet(live)) {
      counts.quiet++
      continue
    }
    const candidate = { input: { live, deletes: applying }, bytes, isSmall, isHeavy }
    const scope = scopeOf(live.specId, live.file)
    const known = candidates.get(scope)
    if (known === undefined) candidates.set(scope, [candidate])
    else known.push(candidate)
  }
  const rewrites: PlannedRewrite[] = []
  for (const own of candidates.values()) {
    for (const inputs of groupsOf(own, target)) {
      const group = { specId: inputs[0].live.specId, partition: inputs[0].live.file.partition, inputs, sequenceNumber }
      const cost = rewriteCost(group, target, readsOf)
      const live = inputs.map((input) => input.live)
      const sorted = policy.sorting && sortsOf?.(live, policy.sorting)
      const all = sorted === undefined ? cost : { ...cost, ...sorted, gets: cost.gets + sorted.gets, puts: cost.puts + sorted.puts }
      rewrites.push({ id: idOf(inputs), group, cost: all })
    }
  }
  return { ...withinBudget(rewrites, policy.maxBytes), ...counts }
}

interface Candidate {
  readonly input: RewriteInput
  readonly bytes: number
  readonly isSmall: boolean
  /** Whether it is rewritten for itself, whatever its size. */
  readonly isHeavy: boolean
}

/** Whether reading past a file's deletes costs so much that it is rewritten for that alone. Equality deletes are read with every scan. */
function hasManyDeletes({ file }: LiveFile, deletes: readonly LiveDelete[], threshold = maxDeleteFiles): boolean {
  if (deletes.length >= threshold || deletes.some((one) => one.file.content === 2)) return true
  // What a file of deletes of many data files takes out of this one is not known without reading it.
  const known = deletes.filter((one) => referencedPath(one.file) !== null)
  const rows = known.reduce((sum, one) => sum + Number(one.file.recordCount), 0)
  return rows >= maxDeleteRatio * Number(file.recordCount) && rows > 0
}

function* groupsOf(candidates: readonly Candidate[], target: number): Generator<RewriteInput[]> {
  const inOrder = candidates.toSorted(byAge)
  let open: Candidate[] = []
  let bytes = 0
  for (const candidate of inOrder) {
    if (!candidate.isSmall) {
      yield [candidate.input]
      continue
    }
    open.push(candidate)
    bytes += candidate.bytes
    if (bytes < target) continue
    yield open.map(({ input }) => input)
    open = []
    bytes = 0
  }
  const rest = bytes >= smallOfTarget * target ? open : worthJoining(open)
  if (rest.length > 1 || rest.some(({ isHeavy }) => isHeavy)) yield rest.map(({ input }) => input)
}

/** The part of what does not fill a file that is joined all the same. */
function worthJoining(open: readonly Candidate[]): Candidate[] {
  const heavy = open.filter(({ isHeavy }) => isHeavy)
  const bySize = open.filter(({ isHeavy }) => !isHeavy).toSorted((a, b) => a.bytes - b.bytes || byAge(a, b))
  let [total, length] = [heavy.reduce((sum, { bytes }) => sum + bytes, 0), 0]
  for (const [i, { bytes }] of bySize.entries()) {
    total += bytes
    if (bytes * 2 <= total) length = i + 1
  }
  const light = heavy.length + length >= minInputs ? bySize.slice(0, length) : []
  return [...heavy, ...light].toSorted(byAge)
}

/** In the order in which they came into the table; what was rewritten keeps its place by its data sequence number. */
function byAge({ input: { live: a } }: Candidate, { input: { live: b } }: Candidate): number {
  if (a.sequenceNumber !== b.sequenceNumber) return a.sequenceNumber < b.sequenceNumber ? -1 : 1
  return a.file.filePath < b.file.filePath ? -1 : 1
}

/** Those that take the most files out for their bytes come first, then by their ids, so that two planners plan the same. */
function withinBudget(rewrites: readonly PlannedRewrite[], maxBytes: number): Pick<RewritePlan, 'rewrites' | 'cost' | 'postponed'> {
  const worth = ({ cost }: PlannedRewrite) => (cost.inputFiles + cost.deleteFiles - cost.outputFiles) / Math.max(1, cost.inputBytes)
  const ordered = rewrites.toSorted((a, b) => worth(b) - worth(a) || (a.id < b.id ? -1 : 1))
  const taken: PlannedRewrite[] = []
  const left: PlannedRewrite[] = []
  let bytes = 0
  for (const rewrite of ordered) {
    const more = rewrite.cost.inputBytes + rewrite.cost.deleteBytes
    if (taken.length === 0 || bytes + more <= maxBytes) {
      taken.push(rewrite)
      bytes += more
    } else left.push(rewrite)
  }
  return {
    rewrites: taken,
    cost: sumCosts(taken.map(({ cost }) => cost)),
    postponed: left.length === 0 ? noCost : sumCosts(left.map(({ cost }) => cost)),
  }
}

/** Deletes count too, the sequence number does not: a result for the same inputs and deletes is as good later. */
function idOf(inputs: readonly RewriteInput[]): string {
  const hash = createHash('sha256')
  for (const { live, deletes } of inputs) {
    hash.update(`${live.file.filePath}\n`)
    for (const key of deletes.map(({ file }) => fileKey(file)).toSorted()) hash.update(` ${key}\n`)
  }
  return `rewrite-${hash.digest('hex').slice(0, 32)}`
}
