import type { TableMetadata } from './table-metadata.ts'

/** Table metadata while updates are applied to it, one after the other. Documents are replaced, never altered. */
export interface MetadataDraft {
  readonly base: TableMetadata
  readonly nowMs: number
  metadata: TableMetadata
  /** What the updates so far added; an id of −1 in an update means the last one. */
  lastSchemaId?: number
  lastSpecId?: number
  lastSortOrderId?: number
  readonly addedSnapshotIds: Set<bigint>
  /** When the newest update that says so took place; otherwise the commit takes place now. */
  lastUpdatedMs?: number
}

/** Puts new values in place of the document's. */
export function put(draft: MetadataDraft, fields: Partial<TableMetadata>): void {
  draft.metadata = { ...draft.metadata, ...fields }
}

/** When a change that carries no time takes place: now, and never before what the document says already. */
export function changeTimeMs(draft: MetadataDraft): number {
  return draft.lastUpdatedMs ?? Math.max(draft.nowMs, draft.base['last-updated-ms'])
}

/** An update that can not be applied to the document that it meets. */
export class InvalidUpdate extends Error {
  override readonly name: string = 'InvalidUpdate'
}

/** An update whose numbers were handed out again since: made anew on the document as it is now, it can be applied. */
export class StaleUpdate extends InvalidUpdate {
  override readonly name = 'StaleUpdate'
}

/** The id that an update means. Throws an InvalidUpdate where it means the last one added and none was. */
export function lastAdded(id: number, last: number | undefined, what: string): number {
  if (id !== -1) return id
  if (last === undefined) throw new InvalidUpdate(`the ${what} last added is to become the current one, and none was added`)
  return last
}
