import type { DataFile } from '../../formats/iceberg/data-file.ts'
import { partitionKey } from '../../formats/iceberg/partition-key.ts'
import type { PartitionSpec } from '../../formats/iceberg/partition-spec.ts'
import type { LiveDelete, LiveFile } from './rewrite-flow.ts'

/** Reserved field id of the path in position delete files (table specification, "Reserved Field IDs"). */
export const pathFieldId = 2147483546

/**
 * The live delete files of a snapshot, by what they may apply to (table specification, "Scan Planning"): deletion vectors and position
 * deletes of one file by its path, other position deletes by spec and partition, equality deletes by spec and partition, or to the whole
 * table where their spec has no partition.
 */
export class DeleteIndex {
  readonly #unpartitioned: ReadonlySet<number>
  readonly #ofFile = new Map<string, LiveDelete[]>()
  readonly #positions = new Map<string, LiveDelete[]>()
  readonly #equalities = new Map<string, LiveDelete[]>()
  readonly #global: LiveDelete[] = []
  #size = 0

  constructor(specs: readonly PartitionSpec[]) {
    this.#unpartitioned = new Set(
      specs.filter(({ fields }) => fields.every(({ transform }) => transform === 'void')).map((spec) => spec['spec-id']),
    )
  }

  /** How many there are. */
  get size(): number {
    return this.#size
  }

  add(live: LiveDelete): void {
    this.#size++
    const { file, specId } = live
    if (file.content === 2) {
      if (this.isGlobal(live)) this.#global.push(live)
      else push(this.#equalities, scopeOf(specId, file), live)
      return
    }
    const path = referencedPath(file)
    if (path === null) push(this.#positions, scopeOf(specId, file), live)
    else push(this.#ofFile, path, live)
  }

  /** Whether equality deletes are of the whole table. */
  isGlobal({ file, specId }: LiveDelete): boolean {
    return file.content === 2 && this.#unpartitioned.has(specId)
  }

  /** All deletes that may remove rows of a data file: equality deletes that are newer than it, others that are not older. */
  of({
    file,
    specId,
    sequenceNumber,
  }: Pick<LiveFile, 'specId' | 'sequenceNumber'> & { readonly file: Pick<DataFile, 'filePath' | 'partition'> }): LiveDelete[] {
    const scope = scopeOf(specId, file)
    const ofFile = (this.#ofFile.get(file.filePath) ?? []).filter((one) => one.sequenceNumber >= sequenceNumber)
    const vector = ofFile.filter((one) => one.file.fileFormat === 'PUFFIN')
    const equalities = [...(this.#equalities.get(scope) ?? []), ...this.#global].filter((one) => one.sequenceNumber > sequenceNumber)
    // A deletion vector has all position deletes of its file in it.
    if (vector.length > 0) return [...vector, ...equalities]
    const shared = (this.#positions.get(scope) ?? []).filter(
      (one) => one.sequenceNumber >= sequenceNumber && mayName(one.file, file.filePath),
    )
    return [...ofFile, ...shared, ...equalities]
  }
}

/** The only data file that a position delete file or a deletion vector is about; null: there may be several. */
export function referencedPath({ referencedDataFile, lowerBounds, upperBounds }: DataFile): string | null {
  if (referencedDataFile !== undefined) return referencedDataFile
  const [lower, upper] = [lowerBounds?.get(pathFieldId), upperBounds?.get(pathFieldId)]
  return lower !== undefined && upper !== undefined && Buffer.compare(lower, upper) === 0 ? Buffer.from(lower).toString() : null
}

/** What the partition of a file is told by, among all specs. */
export function scopeOf(specId: number, { partition }: Pick<DataFile, 'partition'>): string {
  return `${specId} ${partitionKey(partition)}`
}

function mayName({ lowerBounds, upperBounds }: DataFile, path: string): boolean {
  const [lower, upper] = [lowerBounds?.get(pathFieldId), upperBounds?.get(pathFieldId)]
  const bytes = Buffer.from(path)
  return (lower === undefined || Buffer.compare(lower, bytes) <= 0) && (upper === undefined || Buffer.compare(bytes, upper) <= 0)
}

function push(map: Map<string, LiveDelete[]>, key: string, live: LiveDelete): void {
  const all = map.get(key)
  if (all === undefined) map.set(key, [live])
  else all.push(live)
}
