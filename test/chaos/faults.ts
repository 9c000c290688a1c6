/** How a request to a server goes wrong on its way. */
export const requestFaults = ['cut', 'answer-lost', 'delayed', 'truncated', '500', '503', '429'] as const
export type RequestFault = (typeof requestFaults)[number]

/** The servers that requests go to through a proxy. */
export const proxied = ['s3', 'catalog'] as const
export type Proxied = (typeof proxied)[number]

/** History that is asked for meanwhile: left to the fleet, or brought in by a command that is killed on the way. */
export const backfillEvents = ['backfill asked', 'backfill killed'] as const
export type BackfillEvent = (typeof backfillEvents)[number]

/** Tables that are made anew beside all of this, on a branch that takes main's place, or as another table. */
export const rebuildEvents = ['rebuild killed', 'rebuild done', 'backfill beside killed'] as const
export type RebuildEvent = (typeof rebuildEvents)[number]

/** What a run does to a program, its servers and their disk, by name. One that never happened is a hole in the run. */
export type FaultKind =
  | `kill ${string}`
  | `stop and continue ${string}`
  | `${Proxied} ${RequestFault}`
  | 'disk full'
  | 'redis flushed'
  | 'redis restarted'
  | BackfillEvent
  | RebuildEvent

/** Everything that can be done in turn where these roles are at work. */
export function faultKinds(roles: readonly string[], hasRedis: boolean): FaultKind[] {
  return [
    ...roles.flatMap((role): FaultKind[] => [`kill ${role}`, `stop and continue ${role}`]),
    ...proxied.flatMap((server) => requestFaults.map((fault): FaultKind => `${server} ${fault}`)),
    'disk full',
    ...backfillEvents,
    ...(hasRedis ? (['redis flushed', 'redis restarted'] as const) : []),
  ]
}

/** What a run came to. */
interface Ran {
  readonly faults: ReadonlyMap<string, number>
  readonly commits: number
  readonly rowsChecked: number
  readonly problems: readonly string[]
}

/** Why a run fails, a line each: also where a kind of fault was never injected, or nothing was there to be broken. */
export function failuresOf({ faults, commits, rowsChecked, problems }: Ran): string[] {
  const never = [...faults].filter(([, count]) => count === 0).map(([kind]) => kind)
  return [
    ...problems.map((problem) => `broken: ${problem}`),
    ...(never.length > 0 ? [`never injected: ${never.join(', ')}`] : []),
    ...(commits === 0 || rowsChecked === 0 ? ['nothing was committed'] : []),
  ]
}
