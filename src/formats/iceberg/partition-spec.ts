/** Partition specs (table specification, "Partitioning"). An unpartitioned spec has no fields. */
export interface PartitionField {
  readonly 'source-id': number
  readonly 'field-id': number
  readonly name: string
  /** `identity`, `void`, `year`, `month`, `day`, `hour`, `bucket[N]`, `truncate[W]`, or one that we do not know. */
  readonly transform: string
}

export interface PartitionSpec {
  readonly 'spec-id': number
  readonly fields: readonly PartitionField[]
}

/** What `last-partition-id` is before any partition field exists. */
export const unpartitionedLastPartitionId = 999
