import { isDeepStrictEqual } from 'node:util'
import type { Problem } from '../model/failure.ts'
import { fewNames } from '../model/few-names.ts'
import { mappingSettings } from './document-mapping.ts'
import type { CheckedDocument, MappingSettings } from './document.ts'
import { documentError } from './problems.ts'
import { normalizeName } from './table-name.ts'
import { topicMatcher } from './topic-glob.ts'

/** How one topic becomes rows: what its mapping says, or the defaults. */
export interface TopicMapping extends Omit<MappingSettings, 'table'> {
  readonly table: string
  /** Whether no mapping names the table, so that the name comes from the topic's. */
  readonly tableByRule: boolean
}

/** A table, the topics that go into it, and how. */
export interface MappedTable {
  readonly topics: readonly string[]
  readonly mapping: TopicMapping
}

/** The part of a document that says which topic goes where; a document that was not checked to the end has it too. */
type WithMappings = { readonly metadata?: { readonly name: string }; readonly spec: Pick<CheckedDocument['spec'], 'mappings'> }

let defaults: MappingSettings | undefined

/** The first mapping that names the topic, else the defaults. Pure. */
export function mappingFor(document: WithMappings, topic: string): TopicMapping {
  const found = document.spec.mappings.find((mapping) => topicMatcher(mapping.topic)(topic))
  defaults ??= mappingSettings.parse({})
  const { topic: _topic, table, ...settings }: MappingSettings & { topic?: string } = found ?? defaults
  return { ...inLayout(settings), table: table ?? normalizeName(topic), tableByRule: table === undefined }
}

/** The Go processor's layout has names of its own, and keeps keys and values as they are, whether values become columns too or not. */
export function inLayout<T extends Pick<MappingSettings, 'compat' | 'key' | 'value' | 'kafkaColumns'>>(settings: T): T {
  if (settings.compat === 'none') return settings
  const { value } = settings
  return {
    ...settings,
    key: { ...settings.key, format: 'binary' },
    kafkaColumns: kafscaleColumns,
    value: value.columns === undefined ? { ...value, format: 'binary' } : { ...value, format: 'json' },
  }
}

/** What each of a table's own columns is called; `isJson`: its values become columns. */
export function columnNames(
  { compat, kafkaColumns, rescueColumn }: Pick<MappingSettings, 'compat' | 'kafkaColumns' | 'rescueColumn'>,
  isJson: boolean,
): Record<string, string> {
  const own = compat === 'kafscale' ? { recordId: 'record_id', value: 'value' } : isJson ? { rescue: rescueColumn } : { value: 'value' }
  const named = Object.entries({ ...kafkaColumns, ...own }).filter((entry): entry is [string, string] => entry[1] !== null)
  return Object.fromEntries(named)
}

const kafscaleColumns = {
  topic: 'topic',
  partition: 'partition',
  offset: 'offset',
  timestamp: 'timestamp_ms',
  key: 'key',
  headers: 'headers',
} as const

/**
 * The tables that these topics go into, by name, in the order of the topics. Throws a DocumentError that names both topics where two
 * meet in one table though the document did not say so, or with settings that differ. Case counts for nothing in a table's name,
 * since some catalogs have lower case only.
 */
export function tablesFor(document: WithMappings, topics: Iterable<string>): Map<string, MappedTable> {
  const { tables, problems } = meetings(document, topics)
  if (problems.length > 0) throw documentError(problems.map((problem) => ({ ...problem, document: document.metadata?.name })))
  return tables
}

/** `tablesFor`, with the problems as values. */
export function meetings(document: WithMappings, topics: Iterable<string>): { tables: Map<string, MappedTable>; problems: Problem[] } {
  const tables = new Map<string, MappedTable>()
  const problems: Problem[] = []
  for (const [first, ...others] of claimsOf(document, topics)) {
    const table = first.mapping.table
    tables.set(table, first)
    for (const { topics: more, mapping } of others) {
      const why = whyApart(first.mapping, mapping)
      for (const topic of more)
        problems.push({ path: 'spec.mappings', message: `topics ${first.topics[0]} and ${topic} meet in table ${table}; ${why}` })
    }
  }
  return { tables, problems }
}

/**
 * Of each table, in the order of the topics, those who claim it: topics that may share it are one claim, and of several claims the table
 * can hold one only.
 */
export function claimsOf(document: WithMappings, topics: Iterable<string>): MappedTable[][] {
  const claims = new Map<string, MappedTable[]>()
  for (const topic of new Set(topics)) {
    const mapping = mappingFor(document, topic)
    const rivals = claims.get(mapping.table.toLowerCase()) ?? []
    const index = rivals.findIndex((rival) => whyApart(rival.mapping, mapping) === undefined)
    if (index === -1) rivals.push({ topics: [topic], mapping })
    else rivals[index] = { mapping, topics: [...rivals[index].topics, topic] }
    claims.set(mapping.table.toLowerCase(), rivals)
  }
  return [...claims.values()]
}

/** Of topics that meet, a reason names so many. */
const shownTopics = 3

/** Topics that go nowhere, since they meet others in a table, and what to do. */
export interface LeftOutTopics {
  readonly table: string
  readonly topics: readonly string[]
  readonly reason: string
}

/**
 * The tables that are fed and the topics that are not, where only one of several claims may have a table: the one that `holds` it
 * already, and none where that is none of them, or more than one. Pure.
 */
export function settleClaims(
  claims: readonly (readonly MappedTable[])[],
  holds: (claim: MappedTable) => boolean,
): { tables: Map<string, MappedTable>; leftOut: LeftOutTopics[] } {
  const tables = new Map<string, MappedTable>()
  const leftOut: LeftOutTopics[] = []
  for (const rivals of claims) {
    const holders = rivals.length === 1 ? rivals : rivals.filter(holds)
    const holder = holders.length === 1 ? holders[0] : null
    if (holder !== null) tables.set(holder.mapping.table, holder)
    const others = rivals.filter((claim) => claim !== holder)
    if (others.length === 0) continue
    const { table } = (holder ?? rivals[0]).mapping
    const topics = others.flatMap((claim) => claim.topics)
    const goesOn = holder === null ? 'none of them goes into it' : `the table goes on with ${fewNames(holder.topics, shownTopics)} alone`
    const reason = `topics ${fewNames(
      rivals.flatMap((claim) => claim.topics),
      shownTopics,
    )} meet in table ${table}, and ${goesOn}: ${fewNames(topics, shownTopics)} left out until the document says where to; ${whyApart(rivals[0].mapping, rivals[1].mapping)}; for example, before others in spec.mappings, {topic: ${JSON.stringify(topics[0])}, table: a_name_of_its_own}`
    leftOut.push({ table, topics, reason })
  }
  return { tables, leftOut }
}

/**
 * Why these topics do not go into their table: it has others of the document (`held`) already, none of these, and they must not share it.
 * Null: they may. Pure.
 */
export function leftOutBy(document: WithMappings, { topics, mapping }: MappedTable, held: ReadonlySet<string>): LeftOutTopics | null {
  if (topics.length === 0 || topics.some((topic) => held.has(topic))) return null
  const own = [...held].filter((topic) => mappingFor(document, topic).table.toLowerCase() === mapping.table.toLowerCase())
  const { leftOut } = settleClaims(claimsOf(document, [...topics, ...own]), (claim) => claim.topics.some((topic) => held.has(topic)))
  return leftOut.find((one) => one.topics.includes(topics[0])) ?? null
}

/** Why two topics must not share a table; undefined where they may. */
function whyApart(one: TopicMapping, other: TopicMapping): string | undefined {
  if (one.tableByRule || other.tableByRule) {
    return 'expected a mapping that names a table for each of them (the same one where that is meant)'
  }
  if (one.table !== other.table) return `expected names that differ in more than case, found ${one.table} and ${other.table}`
  return isDeepStrictEqual(one, other) ? undefined : 'expected the same settings in both mappings'
}
