import type { TableMetadata } from '../../formats/iceberg/table-metadata.ts'
import { summaryKeys } from '../../pipeline/commit/summary-keys.ts'
import type { UpkeepKind } from '../../pipeline/maintain/due-upkeep.ts'

const kinds: readonly UpkeepKind[] = ['retention', 'compaction', 'manifests', 'expiry', 'orphans']
/** Clocks of two processes may differ by so much; a time that lies further ahead tells nothing. */
const skewMs = 3_600_000

/** When each kind of upkeep was done last, ms, as far as the table's properties tell. */
export function upkeepTimes({ properties }: Pick<TableMetadata, 'properties'>, nowMs: number): ReadonlyMap<UpkeepKind, number> {
  const told = timesIn(properties?.[summaryKeys.upkeep])
  return new Map(
    kinds.flatMap((kind) => {
      const atMs = Date.parse(String(told[kind]))
      return atMs <= nowMs + skewMs ? [[kind, Math.min(atMs, nowMs)] as const] : []
    }),
  )
}

/** The property that tells of it, once `kind` was done at `nowMs`. */
export function withUpkeepTime(
  { properties }: Pick<TableMetadata, 'properties'>,
  kind: UpkeepKind,
  nowMs: number,
): Readonly<Record<string, string>> {
  const times = { ...timesIn(properties?.[summaryKeys.upkeep]), [kind]: new Date(nowMs).toISOString() }
  return { [summaryKeys.upkeep]: JSON.stringify(times) }
}

/** What a property tells that can be read; kinds of a newer program too. */
function timesIn(text: string | undefined): Readonly<Record<string, unknown>> {
  try {
    const times: unknown = JSON.parse(text ?? '{}')
    return typeof times === 'object' && times !== null && !Array.isArray(times) ? { ...times } : {}
  } catch {
    return {}
  }
}
