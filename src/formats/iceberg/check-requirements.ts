import { refSnapshotId } from './table-metadata.ts'
import type { TableMetadata } from './table-metadata.ts'
import type { TableRequirement } from './table-update.ts'

/**
 * The reason why the first requirement that does not hold does not hold; null where all hold. `metadata` is null where there is no
 * such table. (REST catalog specification, `TableRequirement`.) Throws an Error for a type of requirement that it does not know.
 */
export function checkRequirements(metadata: TableMetadata | null, requirements: readonly TableRequirement[]): string | null {
  for (const requirement of requirements) {
    const reason = failure(metadata, requirement)
    if (reason !== null) return reason
  }
  return null
}

function failure(metadata: TableMetadata | null, requirement: TableRequirement): string | null {
  if (requirement.type === 'assert-create') return metadata === null ? null : 'the table exists already'
  if (metadata === null) return 'the table does not exist'
  const [what, expected, found] = assertion(metadata, requirement)
  return expected === found ? null : `${what} is ${found ?? 'none'}, and the commit asserts ${expected ?? 'none'}`
}

type Asserted = string | number | bigint | null

/** What is asserted, the value it should have, and the one it has. */
function assertion(
  metadata: TableMetadata,
  requirement: Exclude<TableRequirement, { type: 'assert-create' }>,
): [string, Asserted, Asserted] {
  switch (requirement.type) {
    case 'assert-table-uuid':
      return ['the table’s uuid', requirement.uuid.toLowerCase(), metadata['table-uuid'].toLowerCase()]
    case 'assert-ref-snapshot-id':
      return [`the snapshot of ${requirement.ref}`, requirement['snapshot-id'], refSnapshotId(metadata, requirement.ref)]
    case 'assert-last-assigned-field-id':
      return ['the last assigned field id', requirement['last-assigned-field-id'], metadata['last-column-id']]
    case 'assert-current-schema-id':
      return ['the current schema’s id', requirement['current-schema-id'], metadata['current-schema-id']]
    case 'assert-last-assigned-partition-id':
      return ['the last assigned partition id', requirement['last-assigned-partition-id'], metadata['last-partition-id']]
    case 'assert-default-spec-id':
      return ['the default partition spec’s id', requirement['default-spec-id'], metadata['default-spec-id']]
    case 'assert-default-sort-order-id':
      return ['the default sort order’s id', requirement['default-sort-order-id'], metadata['default-sort-order-id']]
    default:
      throw new Error(`a requirement of type ${typeOf(requirement)} can not be checked`)
  }
}

function typeOf(requirement: never): string {
  return (requirement as { readonly type: string }).type
}
