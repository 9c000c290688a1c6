import type { PartitionSpec } from '../../formats/iceberg/partition-spec.ts'
import type { IcebergType, Schema } from '../../formats/iceberg/schema.ts'
import { WorkError } from '../../model/failure.ts'
import type { CatalogProfile, CreateTableRequest, TableIdentifier } from '../../seams/catalog.ts'

/**
 * Checks a table's name against what its catalog takes, before anything is sent. Throws a WorkError (`retry: never`) whose sentence says
 * what to change.
 */
export function checkTableName({ namespace, name }: TableIdentifier, profile: CatalogProfile): void {
  const { namespaceLevels, names, reservedNamespaces } = profile
  const product = productOf(profile)
  const database = namespace.join('.')
  if (namespaceLevels !== undefined && namespace.length > namespaceLevels) {
    throw refusal(
      `spec.sink.database: ${product} has namespaces of one level, and ${database} has ${namespace.length}; choose one without dots`,
    )
  }
  const reserved = namespace.find((one) => reservedNamespaces?.test(one) === true)
  if (reserved !== undefined) throw refusal(`spec.sink.database: ${product} keeps names like ${reserved} for itself; choose another name`)
  if (names === undefined) return
  const level = namespace.find((one) => !names.pattern.test(one))
  if (level !== undefined) throw refusal(`spec.sink.database: ${product} takes ${names.words}, and found ${level}; choose another name`)
  if (!names.pattern.test(name)) {
    throw refusal(`table ${database}.${name}: ${product} takes ${names.words}; give the topic's mapping another name as table`)
  }
}

/** Checks a table that is to be created against what its catalog takes. Throws as `checkTableName` does. */
export function checkNewTable(table: TableIdentifier, request: CreateTableRequest, profile: CatalogProfile): void {
  checkTableName(table, profile)
  const product = productOf(profile)
  const where = `table ${[...table.namespace, table.name].join('.')}`
  if (profile.reservedTables?.test(table.name) === true) {
    throw refusal(
      `${where}: ${product} makes no table under the name of one of Iceberg's metadata tables; give the topic's mapping another name as table`,
    )
  }
  const version = Number(request.properties['format-version'] ?? 2)
  if (profile.formatVersions !== undefined && !profile.formatVersions.includes(version)) {
    throw refusal(
      `${where}: ${product} creates tables of format version ${profile.formatVersions.join(' or ')}; set spec.sink.tables.formatVersion`,
    )
  }
  if (profile.location === 'refused' && request.location !== undefined) {
    throw refusal(`${where}: ${product} chooses where a table lies itself; leave out spec.sink.tables.location`)
  }
  const scheme = request.location === undefined ? undefined : /^[^:/]*(?=:\/\/)/.exec(request.location)?.[0]
  if (scheme !== undefined && profile.locationSchemes?.includes(scheme) === false) {
    throw refusal(
      `${where}: ${product} takes no location that begins with ${scheme}://; write ${profile.locationSchemes.join(' or ')}:// in spec.sink.tables.location`,
    )
  }
  checkPartitions(table, request.schema, request.partitionSpec, profile)
  const forbidden = profile.forbiddenProperties.find((key) => request.properties[key] !== undefined)
  if (forbidden !== undefined) {
    throw refusal(`${where}: ${product} sets ${forbidden} itself; leave it out of spec.sink.tables.properties`)
  }
  for (const { name, type } of request.schema.fields) {
    if (profile.lowerCaseColumns === true && name !== name.toLowerCase()) {
      throw refusal(
        `${where}, column ${name}: ${product} keeps names of columns in lower case; call it ${name.toLowerCase()}, with path: $.${name} where it is a member of the value`,
      )
    }
    const refused = [...primitives(type)].find((one) => profile.refusedTypes?.includes(one.replace(/[([].*/, '')) === true)
    if (refused !== undefined) {
      throw refusal(
        `${where}, column ${name}: ${product} has no type ${refused}; declare the column as string, or as another type that holds its values`,
      )
    }
  }
}

/** Checks what a table is partitioned by, or is to be. Throws as `checkTableName` does. */
export function checkPartitions(
  { namespace, name }: TableIdentifier,
  { fields }: Schema,
  spec: PartitionSpec,
  profile: CatalogProfile,
): void {
  if (profile.nestedPartitions !== false) return
  const own = new Set(fields.map(({ id }) => id))
  const nested = spec.fields.find((field) => !own.has(field['source-id']))
  if (nested === undefined) return
  throw refusal(
    `table ${[...namespace, name].join('.')}: ${productOf(profile)} has no partitions by fields of structs, as ${nested.name} is; partition by a column, which a path (path: $.a.b) may take from inside of the value`,
  )
}

function* primitives(type: IcebergType): Generator<string> {
  if (typeof type === 'string') yield type
  else if (type.type === 'struct') for (const field of type.fields) yield* primitives(field.type)
  else if (type.type === 'list') yield* primitives(type.element)
  else {
    yield* primitives(type.key)
    yield* primitives(type.value)
  }
}

function productOf({ product = 'the catalog' }: CatalogProfile): string {
  return product
}

function refusal(message: string): WorkError {
  return new WorkError(message, { retry: 'never' })
}
