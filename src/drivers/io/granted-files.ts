import type { Clock } from '../../seams/clock.ts'
import type { ListedFiles } from '../../seams/file-io.ts'

/** Keys that a catalog gives for the files below a location (REST catalog specification, `LoadTableResult`, "AWS Configurations"). */
export interface GrantedKeys {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

/** How the files below a location are reached. What the catalog does not say is undefined. */
export interface GrantedAccess {
  readonly region?: string
  readonly endpoint?: string
  readonly pathStyle?: boolean
  /** Good for the next request; undefined where the catalog gives none. */
  readonly keys?: () => Promise<GrantedKeys>
}

/** Asks the catalog again for the configuration of a table. */
export type RenewGrant = () => Promise<Readonly<Record<string, string>>>

/** Files that are reached as their tables' catalog says, and as the document says where it says nothing. */
export interface GrantedFiles extends ListedFiles {
  /** Takes a table's configuration, as of now, for the files below its location. */
  grant(location: string, config: Readonly<Record<string, string>>, renew: RenewGrant): void
  close(): Promise<void>
}

type OpenFiles = (access: GrantedAccess) => ListedFiles & { close(): Promise<void> }

interface Granted {
  config: Readonly<Record<string, string>>
  atMs: number
  renew: RenewGrant
  pending: Promise<void> | null
  /** Until when nobody asks again, after a renewal that failed or brought nothing. */
  quietUntilMs: number
  readonly files: ListedFiles & { close(): Promise<void> }
}

/** Keys are renewed this long before they expire. */
const marginMs = 300_000
/** Keys without an expiry are asked for again after this. */
const assumedLifeMs = 15 * 60_000
/** A renewal that failed is tried again after this, while the old keys are still good. */
const retryMs = 10_000
/** Tables whose stores are kept open; of more, the one that was granted first is opened again when it is needed. */
const mostGrants = 1000

export function grantedFiles(own: ListedFiles & { close(): Promise<void> }, open: OpenFiles, clock: Clock): GrantedFiles {
  const granted = new Map<string, Granted>()

  function filesFor(uri: string): ListedFiles {
    let best = ''
    for (const location of granted.keys()) if (location.length > best.length && isBelow(uri, location)) best = location
    return granted.get(best)?.files ?? own
  }

  function opened(location: string, config: Granted['config'], renew: RenewGrant): Granted {
    const grant: Granted = {
      config,
      atMs: clock.now(),
      renew,
      pending: null,
      quietUntilMs: 0,
      files: open(accessOf(config, () => keysOf(grant))),
    }
    granted.set(location, grant)
    return grant
  }

  async function renewed(grant: Granted): Promise<void> {
    try {
      const config = await grant.renew()
      // Keys without an expiry that are given again are as good as new ones.
      const isStill = hasSameKeys(config, grant.config) && expiryIn(config) === undefined && expiryIn(grant.config) === undefined
      if (isStill || isNewer(config, grant.config)) Object.assign(grant, { config, atMs: clock.now() })
      else grant.quietUntilMs = clock.now() + retryMs
    } catch (error) {
      grant.quietUntilMs = clock.now() + retryMs
      throw error
    }
  }

  async function keysOf(grant: Granted): Promise<GrantedKeys> {
    // Where no expiry was said, the store alone knows whether they are over.
    const isOver = clock.now() >= (expiryIn(grant.config) ?? Infinity)
    if (isOver || (clock.now() >= renewAtMs(grant) && clock.now() >= grant.quietUntilMs)) {
      grant.pending ??= renewed(grant).finally(() => (grant.pending = null))
      // The old keys are still good for a while: a catalog that stumbles stops nobody before they are over.
      await grant.pending.catch((error: unknown) => {
        if (isOver) throw error
      })
    }
    return keysIn(grant.config)!
  }

  return {
    grant(location, config, renew) {
      const place = location.replace(/\/+$/, '')
      const known = granted.get(place)
      if (!isGrant(config)) return
      if (known === undefined) {
        opened(place, config, renew)
        const [oldest] = granted.keys()
        if (granted.size > mostGrants) {
          void granted.get(oldest)?.files.close()
          granted.delete(oldest)
        }
      } else if (isNewer(config, known.config)) Object.assign(known, { config, renew, atMs: clock.now() })
    },
    read: (uri, range) => filesFor(uri).read(uri, range),
    write: (uri, chunks) => filesFor(uri).write(uri, chunks),
    remove: (uri) => filesFor(uri).remove(uri),
    list: (directory) => filesFor(directory).list(directory),
    async close() {
      for (const { files } of granted.values()) await files.close()
      await own.close()
    },
  }
}

function isBelow(uri: string, location: string): boolean {
  return uri.startsWith(`${location}/`)
}

/** Whether the catalog says anything of how files are reached. */
function isGrant(config: Granted['config']): boolean {
  return ['s3.access-key-id', 's3.endpoint', 's3.path-style-access', 'client.region', 's3.region'].some((key) => config[key] !== undefined)
}

function accessOf(config: Granted['config'], keys: () => Promise<GrantedKeys>): GrantedAccess {
  const pathStyle = config['s3.path-style-access']
  return {
    region: config['client.region'] ?? config['s3.region'],
    endpoint: config['s3.endpoint'],
    pathStyle: pathStyle === undefined ? undefined : pathStyle === 'true',
    ...(keysIn(config) !== null && { keys }),
  }
}

function keysIn(config: Granted['config']): GrantedKeys | null {
  const { 's3.access-key-id': accessKeyId, 's3.secret-access-key': secretAccessKey, 's3.session-token': sessionToken } = config
  return accessKeyId === undefined || secretAccessKey === undefined ? null : { accessKeyId, secretAccessKey, sessionToken }
}

/** Whether a configuration has other keys than the one before, and not older ones, or the same for longer: a table that is the same is given as it was remembered. */
function isNewer(config: Granted['config'], before: Granted['config']): boolean {
  if (keysIn(config) === null) return false
  if (hasSameKeys(config, before)) return (expiryIn(config) ?? 0) > (expiryIn(before) ?? 0)
  const [until, oldUntil] = [config, before].map((one) => expiryIn(one) ?? Infinity)
  return until >= oldUntil || oldUntil === Infinity
}

function hasSameKeys(config: Granted['config'], before: Granted['config']): boolean {
  const [keys, old] = [keysIn(config), keysIn(before)]
  return (
    keys?.accessKeyId === old?.accessKeyId && keys?.sessionToken === old?.sessionToken && keys?.secretAccessKey === old?.secretAccessKey
  )
}

/** As the catalog says it, ms; undefined where it says none. */
function expiryIn(config: Granted['config']): number | undefined {
  return Number(config['s3.session-token-expires-at-ms']) || undefined
}

function expiryMs({ config, atMs }: Granted): number {
  return expiryIn(config) ?? atMs + assumedLifeMs
}

/** A short life is used for two thirds at least: to renew at once would be to renew for ever. */
function renewAtMs(grant: Granted): number {
  const expires = expiryMs(grant)
  return Math.max(expires - marginMs, grant.atMs + ((expires - grant.atMs) * 2) / 3)
}
