import { WorkError } from '../../model/failure.ts'
import { topicsDecided } from '../../model/incarnation.ts'
import type { Progress } from '../../model/progress.ts'
import type { SourceIdentity } from '../../model/source-identity.ts'
import { findTableState } from '../../pipeline/commit/table-state.ts'
import type { Catalog } from '../../seams/catalog.ts'
import type { FileIO } from '../../seams/file-io.ts'
import type { ProcessorDocument } from '../../spec/document.ts'
import { claimsOf, type LeftOutTopics, type MappedTable, settleClaims } from '../../spec/table-mapping.ts'
import { matchTopics } from '../../spec/topic-glob.ts'
import { manifestListReader } from '../verify/looked-at.ts'

interface SettlingSeams {
  readonly catalog: Pick<Catalog, 'loadTable'>
  readonly io: Pick<FileIO, 'read'>
}

/**
 * The tables of these topics, by name, and the topics that go into none, as a service that starts now would have them: of topics that
 * meet in one table, those go on of which it has progress. A table of which nothing can tell has none. Throws what catalog and stores
 * throw for reasons that may pass.
 */
export async function settledTables(
  document: ProcessorDocument,
  topics: Iterable<string>,
  source: SourceIdentity,
  seams: SettlingSeams,
): Promise<{ readonly tables: ReadonlyMap<string, MappedTable>; readonly leftOut: readonly LeftOutTopics[] }> {
  const claims = claimsOf(document, topics)
  const holders = new Set<MappedTable>()
  for (const rivals of claims) {
    if (rivals.length === 1) continue
    for (const claim of await claimsHeld(document, rivals, source, seams)) holders.add(claim)
  }
  return settleClaims(claims, (claim) => holders.has(claim))
}

/** Of those who claim one table, the ones of whose topics it has progress. Throws as `settledTables` does. */
export async function claimsHeld(
  document: ProcessorDocument,
  rivals: readonly MappedTable[],
  source: SourceIdentity,
  seams: SettlingSeams,
): Promise<readonly MappedTable[]> {
  // Most often they mean one table; in some catalogs, names may differ in case.
  const names = [...new Set(rivals.map(({ mapping }) => mapping.table))]
  const held = new Map(await Promise.all(names.map(async (name) => [name, await topicsIn(document, name, source, seams)] as const)))
  return rivals.filter((claim) => claim.topics.some((topic) => held.get(claim.mapping.table)!.has(topic)))
}

/** The topics of this source, of those that the document means, of which a table has progress. */
export function heldTopics(document: ProcessorDocument, progress: Progress, source: SourceIdentity): ReadonlySet<string> {
  return new Set(matchTopics(document.spec.source.topics, topicsDecided(progress, source.id)))
}

/** The topics of this source, as `heldTopics`, of which a table has progress; none where there is no such table, or nothing can tell. */
export async function topicsIn(
  document: ProcessorDocument,
  name: string,
  source: SourceIdentity,
  { catalog, io }: SettlingSeams,
): Promise<ReadonlySet<string>> {
  const namespace = document.spec.sink.database.split('.')
  const loaded = await catalog.loadTable({ namespace, name })
  if (loaded === null) return new Set()
  try {
    const { progress } = await findTableState([...namespace, name].join('.'), loaded.metadata, manifestListReader(io))
    return heldTopics(document, progress, source)
  } catch (error) {
    if (!(error instanceof WorkError) || error.retry !== 'never') throw error
    return new Set()
  }
}
