import type { TableMetadata } from '../../formats/iceberg/table-metadata.ts'
import { summaryKeys } from '../../pipeline/commit/summary-keys.ts'
import type { UpkeepKind } from '../../pipeline/maintain/due-upkeep.ts'
import type { ProcessorDocument } from '../../spec/document.ts'
import { defaultSafeAgeHours } from './sweep-tables.ts'

type Maintenance = ProcessorDocument['spec']['maintenance']

const kinds: readonly UpkeepKind[] = ['retention', 'compaction', 'manifests', 'expiry', 'orphans']
/** Clocks of two processes may differ by so much; a time that lies further ahead tells nothing. */
const skewMs = 3_600_000

/** What a document asks of upkeep that is done once a day; of the other kinds nothing, since what they leave to do is seen at each look. */
function settingOf(kind: UpkeepKind, asked: Maintenance): string | undefined {
  if (kind === 'retention' && asked?.retention !== undefined) return `${asked.retention.by}, ${asked.retention.days} days`
  if (kind === 'orphans') return `${asked?.orphans?.olderThanHours ?? defaultSafeAgeHours} h`
  return undefined
}

/**
 * When each kind of upkeep was done last, ms, as far as the table's properties tell. What was done for other settings than are `asked` for now
 * does not count; what does not tell for which, an older program's, does.
 */
export function upkeepTimes(
  { properties }: Pick<TableMetadata, 'properties'>,
  nowMs: number,
  asked: Maintenance,
): ReadonlyMap<UpkeepKind, number> {
  const told = objectIn(properties?.[summaryKeys.upkeep])
  const settings = objectOf(told['settings'])
  return new Map(
    kinds.flatMap((kind) => {
      const atMs = Date.parse(String(told[kind]))
      const isOther = settings[kind] !== undefined && settings[kind] !== settingOf(kind, asked)
      return atMs <= nowMs + skewMs && !isOther ? [[kind, Math.min(atMs, nowMs)] as const] : []
    }),
  )
}

/** The property that tells of it, once `kind` was done at `nowMs` as the document asks. */
export function withUpkeepTime(
  { properties }: Pick<TableMetadata, 'properties'>,
  kind: UpkeepKind,
  nowMs: number,
  asked?: Maintenance,
): Readonly<Record<string, string>> {
  const told = objectIn(properties?.[summaryKeys.upkeep])
  const setting = settingOf(kind, asked)
  const settings = setting === undefined ? {} : { settings: { ...objectOf(told['settings']), [kind]: setting } }
  return { [summaryKeys.upkeep]: JSON.stringify({ ...told, [kind]: new Date(nowMs).toISOString(), ...settings }) }
}

/** What a property tells that can be read; kinds of a newer program too. */
function objectIn(text: string | undefined): Readonly<Record<string, unknown>> {
  try {
    return objectOf(JSON.parse(text ?? '{}'))
  } catch {
    return {}
  }
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {}
}
