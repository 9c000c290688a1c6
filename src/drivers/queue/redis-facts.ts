/** What a Redis server says of itself. */
export interface RedisFacts {
  readonly version: string
  readonly isTooOld: boolean
  /** `maxmemory_policy`; null where it does not tell. */
  readonly policy: string | null
}

/** What BullMQ needs. */
export const oldestRedis = '6.2'

/** Reads what the command INFO answers. */
export function redisFacts(info: string): RedisFacts {
  const version = /redis_version:([\d.]+)/.exec(info)?.[1] ?? 'of unknown version'
  const [major, minor] = version.split('.').map(Number)
  const [oldestMajor, oldestMinor] = oldestRedis.split('.').map(Number)
  return {
    version,
    isTooOld: major < oldestMajor || (major === oldestMajor && minor < oldestMinor),
    policy: /maxmemory_policy:(\S+)/.exec(info)?.[1] ?? null,
  }
}
