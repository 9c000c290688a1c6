import { inject } from 'vitest'
import { systemClock } from '../../src/drivers/clock/system.ts'
import { restCatalog } from '../../src/drivers/catalog/rest.ts'
import { catalogConformance } from '../conformance/catalog.ts'

const open = () => restCatalog({ endpoint: inject('restCatalogUri'), clock: systemClock })

catalogConformance(
  "Iceberg's REST catalog",
  async () => {
    const [catalog, other] = [open(), open()]
    return {
      catalog,
      other,
      async close() {
        await catalog.close()
        await other.close()
      },
    }
  },
  {
    unknownFields: 'it parses documents into classes of its own and drops the fields that those lack',
    strictNamespaces: 'it creates tables in namespaces that do not exist',
  },
)
