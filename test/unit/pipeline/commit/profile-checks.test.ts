import { describe, expect, it } from 'vitest'
import { profileOf, restProfiles } from '../../../../src/drivers/catalog/profiles.ts'
import type { IcebergType } from '../../../../src/formats/iceberg/schema.ts'
import { checkNewTable, checkTableName } from '../../../../src/pipeline/commit/profile-checks.ts'
import type { CreateTableRequest } from '../../../../src/seams/catalog.ts'
import { simpleTable } from '../../../conformance/catalog.ts'

const orders = { namespace: ['analytics'], name: 'orders' }

function withColumn(name: string, type: IcebergType, more: Partial<CreateTableRequest> = {}): CreateTableRequest {
  return { ...simpleTable, ...more, schema: { type: 'struct', 'schema-id': 0, fields: [{ id: 1, name, required: false, type }] } }
}

describe('names', () => {
  it.each(['unity', 'glue', 's3tables'] as const)('%s has namespaces of one level', (type) => {
    expect(() => checkTableName({ namespace: ['a', 'b'], name: 'orders' }, restProfiles[type])).toThrow(
      /^spec.sink.database: .* has namespaces of one level, and a.b has 2; choose one without dots$/,
    )
  })

  it.each(['rest', 'polaris'] as const)('%s has namespaces of any number of levels, and takes any name', (type) => {
    expect(() => checkTableName({ namespace: ['a', 'B', 'c'], name: 'Örders-1' }, restProfiles[type])).not.toThrow()
  })

  it('are lower case where the catalog folds them', () => {
    expect(() => checkTableName({ namespace: ['analytics'], name: 'Orders' }, restProfiles.glue)).toThrow(
      "table analytics.Orders: AWS Glue takes lower-case letters, digits and _, at most 255 of them; give the topic's mapping another name as table",
    )
    expect(() => checkTableName({ namespace: ['Analytics'], name: 'orders' }, restProfiles.unity)).toThrow(
      /^spec.sink.database: .* found Analytics/,
    )
    expect(() => checkTableName(orders, restProfiles.s3tables)).not.toThrow()
  })

  it('begin and end with a letter or digit in S3 Tables', () => {
    for (const name of ['o', '1_orders', 'a'.repeat(255)]) checkTableName({ namespace: ['shop'], name }, restProfiles.s3tables)
    for (const name of ['_orders', 'orders_', 'or-ders', 'a'.repeat(256)])
      expect(() => checkTableName({ namespace: ['shop'], name }, restProfiles.s3tables)).toThrow(/with a letter or digit at both ends/)
  })

  it('are none that the catalog keeps for itself', () => {
    const within = (database: string, type: 'unity' | 's3tables' | 'glue') => () =>
      checkTableName({ namespace: [database], name: 'orders' }, restProfiles[type])
    expect(within('information_schema', 'unity')).toThrow(
      'spec.sink.database: Unity Catalog keeps names like information_schema for itself; choose another name',
    )
    expect(within('aws_shop', 's3tables')).toThrow(/keeps names like aws_shop for itself/)
    expect(within('aws_shop', 'unity')).not.toThrow()
    expect(within('information_schema', 'glue')).not.toThrow()
  })
})

describe('a table to create', () => {
  it.each(['history', 'refs', 'Files', 'all_data_files', 'position_deletes'])(
    'is not called %s, as a metadata table, in Polaris',
    (name) => {
      const table = { namespace: ['analytics'], name }
      expect(() => checkNewTable(table, simpleTable, restProfiles.polaris)).toThrow(
        `table analytics.${name}: Polaris makes no table under the name of one of Iceberg's metadata tables; give the topic's mapping another name as table`,
      )
      // One that has the name may be there.
      expect(() => checkTableName(table, restProfiles.polaris)).not.toThrow()
      expect(() => checkNewTable(table, simpleTable, restProfiles.rest)).not.toThrow()
      expect(() => checkNewTable({ ...table, name: `${name}_2` }, simpleTable, restProfiles.polaris)).not.toThrow()
    },
  )

  it('sets no property that is the catalog’s own, and says which', () => {
    const request = withColumn('id', 'long', { properties: { 'write.metadata.path': 's3://elsewhere' } })
    expect(() => checkNewTable(orders, request, restProfiles.unity)).toThrow(
      'table analytics.orders: Unity Catalog sets write.metadata.path itself; leave it out of spec.sink.tables.properties',
    )
    expect(() => checkNewTable(orders, request, restProfiles.rest)).not.toThrow()
  })

  it.each(['uuid', 'fixed[16]', 'time'] as const)('has no column of %s in Unity, at any depth, and the column is named', (type) => {
    const list = { type: 'list', 'element-id': 2, 'element-required': false, element: type } as const
    for (const one of [type, list]) {
      expect(() => checkNewTable(orders, withColumn('id', one), restProfiles.unity)).toThrow(
        `table analytics.orders, column id: Unity Catalog has no type ${type}; declare the column as string, or as another type that holds its values`,
      )
    }
    expect(() => checkNewTable(orders, withColumn('id', type), restProfiles.polaris)).not.toThrow()
  })

  it('has its columns in lower case in Glue', () => {
    expect(() => checkNewTable(orders, withColumn('orderId', 'long'), restProfiles.glue)).toThrow(/call it orderid, with path: \$.orderId/)
    expect(() => checkNewTable(orders, withColumn('orderId', 'long'), restProfiles.unity)).not.toThrow()
  })

  it('has no location of its own where the catalog owns locations', () => {
    const request = withColumn('id', 'long', { location: 's3://lake/orders' })
    expect(() => checkNewTable(orders, request, restProfiles.s3tables)).toThrow(/leave out spec.sink.tables.location/)
    expect(() => checkNewTable(orders, request, restProfiles.glue)).not.toThrow()
  })

  it('lies where S3 Tables chooses, by way of Glue too, and where it is told in Glue itself', () => {
    const request = withColumn('id', 'long', { location: 's3://lake/orders' })
    expect(() => checkNewTable(orders, request, profileOf('glue', '123456789012:s3tablescatalog/lake'))).toThrow(
      /Amazon S3 Tables by way of AWS Glue chooses where a table lies itself; leave out spec.sink.tables.location/,
    )
    expect(() => checkNewTable(orders, request, profileOf('glue', '123456789012'))).not.toThrow()
    expect(profileOf('glue', '123456789012:s3tablescatalog/lake')).toMatchObject({ sigv4Service: 'glue', snapshotExpiryMs: 432_000_000 })
  })

  it('lies at a location of a scheme that the catalog takes', () => {
    expect(() => checkNewTable(orders, withColumn('id', 'long', { location: 's3a://lake/orders' }), restProfiles.glue)).toThrow(
      'table analytics.orders: AWS Glue takes no location that begins with s3a://; write s3:// in spec.sink.tables.location',
    )
    expect(() => checkNewTable(orders, withColumn('id', 'long', { location: 's3a://lake/orders' }), restProfiles.rest)).not.toThrow()
  })

  it('is not partitioned by a field of a struct in Glue', () => {
    const struct: IcebergType = { type: 'struct', fields: [{ id: 2, name: 'zip', required: false, type: 'string' }] }
    const by = (id: number) =>
      withColumn('place', struct, {
        partitionSpec: { 'spec-id': 0, fields: [{ 'source-id': id, 'field-id': 1000, name: 'place.zip', transform: 'identity' }] },
      })
    expect(() => checkNewTable(orders, by(2), restProfiles.glue)).toThrow(
      /^table analytics.orders: AWS Glue has no partitions by fields of structs, as place.zip is; partition by a column/,
    )
    expect(() => checkNewTable(orders, by(1), restProfiles.glue)).not.toThrow()
    expect(() => checkNewTable(orders, by(2), restProfiles.s3tables)).not.toThrow()
  })
})
