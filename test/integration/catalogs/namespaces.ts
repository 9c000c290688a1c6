import { openAuth } from '../../../src/drivers/catalog/open-auth.ts'
import { type RestProfile, restProfiles } from '../../../src/drivers/catalog/profiles.ts'
import { isMissing, workError } from '../../../src/drivers/catalog/rest-answer.ts'
import { restClient } from '../../../src/drivers/catalog/rest-client.ts'
import { loadRestConfig } from '../../../src/drivers/catalog/rest-config.ts'
import type { RestCatalogOptions } from '../../../src/drivers/catalog/rest.ts'

/** Removes an empty namespace of a REST catalog, which the program itself never does; one that does not exist is no error. */
export async function dropNamespace(options: RestCatalogOptions, namespace: readonly string[]): Promise<void> {
  const profile: RestProfile = restProfiles[options.product ?? 'rest']
  const { endpoint, clock, warehouse, headers = () => ({}) } = options
  const aws = options.aws ?? (() => ({ region: '', credentials: () => Promise.reject(new Error('no keys')) }))
  const client = restClient({ clock, headers, auth: (http) => openAuth(options.auth, profile, { endpoint, clock, headers, aws }, http) })
  try {
    const url = (await loadRestConfig(client, endpoint, warehouse)).namespace(namespace)
    const dropped = await client.repeatable({ what: `dropping namespace ${namespace.join('.')}`, method: 'DELETE', url })
    if (dropped.answer.status >= 300 && !isMissing(dropped)) throw workError(dropped)
  } finally {
    await client.close()
  }
}
