import { openAuth } from '../../../src/drivers/catalog/open-auth.ts'
import { profileOf } from '../../../src/drivers/catalog/profiles.ts'
import { workError } from '../../../src/drivers/catalog/rest-answer.ts'
import { restClient } from '../../../src/drivers/catalog/rest-client.ts'
import { loadRestConfig } from '../../../src/drivers/catalog/rest-config.ts'
import type { RestCatalogOptions } from '../../../src/drivers/catalog/rest.ts'

/**
 * Removes an empty namespace of a REST catalog, which the program itself never does. It is no error where there is none, nor where the server
 * can not: one that answers 404, 405 or 501 in a form of its own leaves it.
 */
export async function dropNamespace(options: RestCatalogOptions, namespace: readonly string[]): Promise<void> {
  const profile = profileOf(options.product ?? 'rest', options.warehouse)
  const { endpoint, clock, warehouse, headers = () => ({}) } = options
  const aws = options.aws ?? (() => ({ region: '', credentials: () => Promise.reject(new Error('no keys')) }))
  const client = restClient({ clock, headers, auth: (http) => openAuth(options.auth, profile, { endpoint, clock, headers, aws }, http) })
  try {
    const url = (await loadRestConfig(client, endpoint, warehouse)).namespace(namespace)
    const dropped = await client.repeatable({ what: `dropping namespace ${namespace.join('.')}`, method: 'DELETE', url })
    const { status } = dropped.answer
    if (status >= 300 && ![404, 405, 501].includes(status)) throw workError(dropped)
  } finally {
    await client.close()
  }
}
