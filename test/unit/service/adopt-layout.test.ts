import { expect, test } from 'vitest'
import { memoryCatalog } from '../../../src/drivers/catalog/memory.ts'
import { restProfiles } from '../../../src/drivers/catalog/profiles.ts'
import { systemClock } from '../../../src/drivers/clock/system.ts'
import { systemEntropy } from '../../../src/drivers/entropy/system.ts'
import { memoryJournal } from '../../../src/drivers/journal/memory.ts'
import { defaultSpec } from '../../../src/formats/iceberg/table-metadata.ts'
import { noRequests } from '../../../src/model/requests.ts'
import { adoptLayout } from '../../../src/service/feed/adopt-layout.ts'
import { tableRequest } from '../../../src/service/feed/create-table.ts'
import { mappingFor } from '../../../src/spec/table-mapping.ts'
import { declaredValue } from '../../../src/spec/value-column.ts'
import { load, smallest } from '../spec/documents.ts'

test('a table is partitioned anew only by what its catalog takes', async () => {
  const seams = { clock: systemClock, entropy: systemEntropy(systemClock), journal: memoryJournal() }
  const profile = { ...restProfiles.glue, product: 'AWS Glue' }
  const catalog = memoryCatalog({ ...seams, warehouse: 's3://lake', profile })
  const document = (partitionBy: string[]) =>
    load(
      smallest(({ spec }) => {
        const columns = [
          { name: 'id', type: 'long' },
          { name: 'place', type: 'struct<zip: string>' },
        ]
        spec.mappings = [{ topic: 'events', table: 'events', partitionBy, value: { format: 'json', columns } }]
      }),
    )
  const mapping = (...partitionBy: string[]) => mappingFor(document(partitionBy), 'events')
  const table = { namespace: ['shop'], name: 'events' }
  await catalog.ensureNamespace(table.namespace)
  const plain = mapping()
  await catalog.createTable(table, tableRequest(document([]), table, plain, declaredValue(plain.value)!, noRequests, catalog.profile))
  const loaded = (await catalog.loadTable(table))!
  const refused = adoptLayout(table, mapping('place.zip'), loaded, { ...seams, catalog })
  await expect(refused).rejects.toMatchObject({
    retry: 'never',
    message: /^table shop.events: AWS Glue has no partitions by fields of structs/,
  })
  expect((await catalog.loadTable(table))!.metadata['partition-specs']).toHaveLength(1)
  const { metadata } = await adoptLayout(table, mapping('bucket(4, id)'), loaded, { ...seams, catalog })
  expect(defaultSpec(metadata).fields).toMatchObject([{ transform: 'bucket[4]' }])
})
