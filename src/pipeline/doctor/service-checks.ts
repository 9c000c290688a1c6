import { type Check, failed, messageOf, passed, warned } from './check.ts'

/** What Redis says of itself, as far as the queue cares. */
export interface QueueFacts {
  readonly version: string
  readonly isTooOld: boolean
  readonly policy: string | null
}

export function queueCheck({ version, isTooOld, policy }: QueueFacts): Check {
  if (isTooOld) return failed('queue', `Redis ${version} is too old`, ['upgrade it to 6.2 or newer'])
  if (policy === null) return warned('queue', `Redis ${version}; it does not tell its eviction policy, which must be noeviction`)
  if (policy !== 'noeviction') {
    return warned('queue', `Redis ${version}, eviction policy ${policy}: tasks are lost when it is full, and done again`, [
      'CONFIG SET maxmemory-policy noeviction, and the same in redis.conf',
    ])
  }
  return passed('queue', `Redis ${version}, eviction policy noeviction`)
}

export function queueFailure(error: unknown): Check {
  return failed('queue', `Redis does not serve: ${messageOf(error)}`, [
    'check address, user, password and tls in spec.queue; the user needs all commands on keys under {iceberg-processor:<namespace>/<name>}',
  ])
}

/** Watermarks are a hint: without them work is found later, and that is all. */
export function etcdCheck(members: readonly { readonly endpoint: string; readonly error: string | null }[]): Check {
  const silent = members.filter(({ error }) => error !== null)
  if (silent.length === 0) return passed('etcd', `${members.map(({ endpoint }) => endpoint).join(', ')}: watermarks can be read`)
  const found = silent.map(({ endpoint, error }) => `${endpoint}: ${error}`).join('; ')
  const effect = silent.length === members.length ? 'new segments are found by listing alone' : 'the other members are asked'
  return warned('etcd', `${found}; ${effect}`, ['check spec.source.etcd; the user needs to read keys under /kafscale/'])
}
