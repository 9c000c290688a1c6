import type { ManifestFile } from '../../formats/iceberg/data-file.ts'
import { fileKey } from '../../formats/iceberg/file-key.ts'
import type { FileIO } from '../../seams/file-io.ts'
import type { DeleteIndex } from './delete-index.ts'
import { addTo, deletesLeftOver, locateDeletes, locateFiles } from './judge-removals.ts'
import type { PartitionPruner } from './partition-pruner.ts'
import type { LiveFile, RewriteInput, RewriteResult } from './rewrite-flow.ts'

/** What can be done with files on top of a snapshot. */
export interface Removals {
  /** Keys (`fileKey`) of the files to take out, of data and deletes, by the path of the manifest that has them. */
  readonly removed: ReadonlyMap<string, ReadonlySet<string>>
}

export interface JudgedResults extends Removals {
  readonly accepted: readonly RewriteResult[]
  readonly refused: readonly RefusedResult[]
}

/** A rewrite that does not hold any more, and why: what it was for is planned anew. */
export interface RefusedResult {
  readonly result: RewriteResult
  readonly reason: string
}

/**
 * Which results can replace their inputs on top of a snapshot: those of which all inputs are still live, with the same deletes as when they
 * were planned. Equality deletes that came since do not matter, since the outputs carry the sequence number that they were planned on, and so
 * are subject to them; other deletes name rows by their place in files that the results take away. What is asked here is answered
 * from the snapshot alone, whoever wrote it and whatever happened to the history.
 */
export async function judgeResults(
  results: readonly RewriteResult[],
  manifests: readonly ManifestFile[],
  pruner: PartitionPruner,
  io: Pick<FileIO, 'read'>,
): Promise<JudgedResults> {
  const places = await locateFiles(inputsOf(results), manifests, pruner, io)
  const deletes = await locateDeletes(manifests, pruner, io)
  const accepted: RewriteResult[] = []
  const refused: RefusedResult[] = []
  const taken = new Set<string>()
  for (const result of results) {
    const { inputs, sequenceNumber } = result.group
    const reason = notLive(inputs, places) ?? notAlone(inputs, taken) ?? otherDeletes(inputs, deletes.index, sequenceNumber)
    if (reason !== null) refused.push({ result, reason })
    else {
      accepted.push(result)
      for (const { live } of inputs) taken.add(live.file.filePath)
    }
  }
  // What is newer than the outputs of one rewrite applies to them.
  const upTo = accepted.reduce<bigint | null>(
    (least, { group: { sequenceNumber: own } }) => (least === null || own < least ? own : least),
    null,
  )
  const leftOver = upTo === null ? new Map() : await deletesLeftOver(inputsOf(accepted), deletes, upTo, manifests, io)
  return { accepted, refused, removed: together(inputsOf(accepted), places, leftOver) }
}

/** What takes whole data files out of a snapshot, with the deletes that are of no use without them. Files that are gone already are passed over. */
export async function judgeRemoval(
  files: readonly LiveFile[],
  manifests: readonly ManifestFile[],
  pruner: PartitionPruner,
  io: Pick<FileIO, 'read'>,
): Promise<Removals & { readonly files: readonly LiveFile[] }> {
  const places = await locateFiles(files, manifests, pruner, io)
  const there = files.filter(({ file }) => places.has(file.filePath))
  const deletes = await locateDeletes(manifests, pruner, io)
  const newest = manifests.reduce((most, { sequenceNumber }) => (sequenceNumber > most ? sequenceNumber : most), 0n)
  const leftOver = there.length === 0 ? new Map() : await deletesLeftOver(there, deletes, newest, manifests, io)
  return { files: there, removed: together(there, places, leftOver) }
}

function inputsOf(results: readonly RewriteResult[]): LiveFile[] {
  return results.flatMap(({ group }) => group.inputs.map(({ live }) => live))
}

function notLive(inputs: readonly RewriteInput[], places: ReadonlyMap<string, string>): string | null {
  const gone = inputs.find(({ live }) => !places.has(live.file.filePath))
  return gone === undefined ? null : `${gone.live.file.filePath} is no longer in the table: others rewrote or deleted it`
}

function notAlone(inputs: readonly RewriteInput[], taken: ReadonlySet<string>): string | null {
  const twice = inputs.find(({ live }) => taken.has(live.file.filePath))
  return twice === undefined ? null : `${twice.live.file.filePath} is rewritten by another result of the same commit`
}

function otherDeletes(inputs: readonly RewriteInput[], index: DeleteIndex, plannedOn: bigint): string | null {
  if (index.size === 0 && inputs.every(({ deletes }) => deletes.length === 0)) return null
  for (const { live, deletes } of inputs) {
    const now = index.of(live)
    const late = now.find(({ file, sequenceNumber }) => sequenceNumber > plannedOn && file.content !== 2)
    if (late !== undefined) return `${late.file.filePath} may delete rows of ${live.file.filePath} since`
    const before = new Set(now.filter(({ sequenceNumber }) => sequenceNumber <= plannedOn).map(({ file }) => fileKey(file)))
    if (before.size !== deletes.length || !deletes.every(({ file }) => before.has(fileKey(file))))
      return `${live.file.filePath} has other deletes than it was rewritten with`
  }
  return null
}

function together(
  files: readonly LiveFile[],
  places: ReadonlyMap<string, string>,
  leftOver: ReadonlyMap<string, ReadonlySet<string>>,
): Map<string, Set<string>> {
  const removed = new Map([...leftOver].map(([path, keys]) => [path, new Set(keys)]))
  for (const { file } of files) addTo(removed, places.get(file.filePath)!, fileKey(file))
  return removed
}
