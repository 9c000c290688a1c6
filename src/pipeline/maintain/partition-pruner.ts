import type { FieldSummary, ManifestFile, SingleValue } from '../../formats/iceberg/data-file.ts'
import type { PartitionSpec } from '../../formats/iceberg/partition-spec.ts'
import { partitionTypes } from '../../formats/iceberg/partition-type.ts'
import type { PrimitiveType } from '../../formats/iceberg/schema.ts'
import { compareSingleValues, parseSingleValue } from '../../formats/iceberg/single-value.ts'
import { currentSchema, type TableMetadata } from '../../formats/iceberg/table-metadata.ts'
import type { LiveFile } from './rewrite-flow.ts'

/** Tells from their rows in the manifest list which manifests can not have a file. In doubt, they may. */
export class PartitionPruner {
  readonly specs: readonly PartitionSpec[]
  readonly #types = new Map<number, readonly PrimitiveType[] | null>()

  constructor(metadata: TableMetadata) {
    this.specs = metadata['partition-specs']
    for (const spec of this.specs) this.#types.set(spec['spec-id'], typesOf(metadata, spec))
  }

  mayHoldAny(manifest: ManifestFile, files: Iterable<LiveFile>): boolean {
    for (const file of files) if (this.mayHold(manifest, file)) return true
    return false
  }

  mayHold(manifest: ManifestFile, { file, specId, sequenceNumber, fileSequenceNumber }: LiveFile): boolean {
    if (manifest.partitionSpecId !== specId || manifest.minSequenceNumber > sequenceNumber) return false
    if (manifest.sequenceNumber < (fileSequenceNumber ?? sequenceNumber)) return false
    const types = this.#types.get(specId) ?? null
    const { partitions } = manifest
    if (types === null || partitions === undefined || partitions.length !== types.length) return true
    return partitions.every((summary, i) => mayHave(summary, types[i], file.partition[i]))
  }
}

/** A spec whose source columns are gone has no types that could be told: nothing is pruned by it. */
function typesOf(metadata: TableMetadata, spec: PartitionSpec): readonly PrimitiveType[] | null {
  try {
    return partitionTypes(currentSchema(metadata), spec)
  } catch {
    return null
  }
}

function mayHave({ containsNull, lowerBound, upperBound }: FieldSummary, type: PrimitiveType, value: SingleValue): boolean {
  if (value === null) return containsNull
  if (Number.isNaN(value) || lowerBound === undefined || upperBound === undefined) return true
  try {
    const [lower, upper] = [parseSingleValue(type, lowerBound), parseSingleValue(type, upperBound)]
    // Other writers order uuids as signed numbers.
    if (type === 'uuid' && compareSingleValues(lower, upper) > 0) return true
    // What was read as an int, before its column was widened, compares with a long as numbers do.
    return compareSingleValues(lower, value) <= 0 && compareSingleValues(value, upper) <= 0
  } catch {
    return true
  }
}
