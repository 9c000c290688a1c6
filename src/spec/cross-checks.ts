import { hasTime } from './column-type.ts'
import type { CheckedDocument, Mapping } from './document.ts'
import { isHeaderName } from './forms.ts'
import { layoutProblems } from './layout-checks.ts'
import { pathText } from './path.ts'
import type { Path } from './path.ts'
import type { Clean, CrossCheck } from './schema-parts.ts'
import { catalogChecks } from './catalog-checks.ts'
import { lackOfMemory } from './rewrite-memory.ts'
import { inLayout, meetings } from './table-mapping.ts'
import { isGlob } from './topic-glob.ts'
import { pathsMeet, valuePathText } from './value-path.ts'
import { enumerated } from './wording.ts'

type Found = ReturnType<CrossCheck<CheckedDocument>>
const sourcePath: Path = ['spec', 'source']
const mappingsPath: Path = ['spec', 'mappings']

/** The checks that compare one key with another; each looks only at what is clean. */
export const crossChecks: readonly CrossCheck<CheckedDocument>[] = [
  onePlace,
  topicsOnce,
  pairs,
  ...catalogChecks,
  headerNames,
  mappingsOnce,
  eachMapping,
  tablesApart,
  backfillTimes,
  oneRedis,
  rewriteMemory,
]

function* onePlace({ spec }: CheckedDocument, clean: Clean): Found {
  if (!clean(within(sourcePath))) return
  const { s3, directory } = spec.source
  if ((s3 === undefined) === (directory === undefined)) {
    yield { path: sourcePath, message: `expected one of s3 and directory, found ${s3 === undefined ? 'neither' : 'both'}` }
  }
}

function* oneRedis({ spec }: CheckedDocument, clean: Clean): Found {
  if (!clean(['spec', 'queue']) || spec.queue === undefined) return
  const found = (['redis', 'sentinel', 'cluster'] as const).filter((key) => spec.queue?.[key] !== undefined)
  if (found.length !== 1) {
    const message = `expected one of redis, sentinel and cluster, found ${found.length === 0 ? 'none' : enumerated(found, 'and')}`
    yield { path: ['spec', 'queue'], message }
  }
}

/** Where rewriting is asked for; where it is not said, it is left out in so little memory. */
function* rewriteMemory({ spec }: CheckedDocument, clean: Clean): Found {
  const path: Path = ['spec', 'processing', 'memoryLimitBytes']
  if (!clean(path) || !clean(['spec', 'maintenance']) || spec.maintenance?.compaction?.enabled !== true) return
  const message = lackOfMemory(spec.processing)
  if (message !== null) yield { path, message: `${message}; or leave spec.maintenance.compaction.enabled out` }
}

function* topicsOnce({ spec }: CheckedDocument, clean: Clean): Found {
  if (clean([...sourcePath, 'topics'])) yield* once(spec.source.topics, (index) => [...sourcePath, 'topics', index])
}

/** Two keys that mean something only together. */
function* pairs(document: CheckedDocument, clean: Clean): Found {
  const both: [Path, (document: CheckedDocument) => object | undefined, string, string][] = [
    [[...sourcePath, 's3'], ({ spec }) => spec.source.s3, 'accessKeyId', 'secretAccessKey'],
    [['spec', 'sink', 'storage'], ({ spec }) => spec.sink.storage, 'accessKeyId', 'secretAccessKey'],
    [[...sourcePath, 'etcd'], ({ spec }) => spec.source.etcd, 'username', 'password'],
  ]
  for (const [path, of, one, other] of both) {
    if (!clean(path)) continue
    const found = of(document)
    if (found === undefined || one in found === other in found) continue
    const [there, missing] = one in found ? [one, other] : [other, one]
    yield { path, message: `expected ${missing} beside ${there}, found ${there} alone` }
  }
  if (!clean([...sourcePath, 's3'])) return
  const { s3 } = document.spec.source
  if (s3?.externalId !== undefined && s3.roleArn === undefined) {
    yield { path: [...sourcePath, 's3'], message: 'expected roleArn beside externalId, found externalId alone' }
  }
}

function* headerNames({ spec }: CheckedDocument, clean: Clean): Found {
  const path: Path = ['spec', 'sink', 'catalog', 'headers']
  if (!clean(path)) return
  for (const name of Object.keys(spec.sink.catalog.headers)) {
    if (!isHeaderName(name))
      yield { path: [...path, name], message: 'expected the name of an HTTP header, found a name with other characters' }
  }
}

function* mappingsOnce({ spec }: CheckedDocument, clean: Clean): Found {
  if (!clean(mappingsPath)) return
  yield* once(
    spec.mappings.map((mapping) => mapping.topic),
    (index) => [...mappingsPath, index, 'topic'],
  )
}

function* eachMapping({ spec }: CheckedDocument, clean: Clean): Found {
  const path: Path = mappingsPath
  if (!clean(within(path))) return
  for (const [index, mapping] of spec.mappings.entries()) {
    if (clean([...path, index])) yield* oneMapping(mapping, [...path, index])
  }
}

function* oneMapping(mapping: Mapping, path: Path): Found {
  const { value } = mapping
  if ((value.format === 'string' || value.format === 'binary') && value.columns !== undefined) {
    yield {
      path: [...path, 'value', 'columns'],
      message: `expected no columns with format ${value.format}, which gives one column, value`,
    }
  }
  yield* columnNamesApart(mapping, path)
  yield* valueColumns(value.columns ?? [], [...path, 'value', 'columns'])
  yield* once(mapping.partitionBy, (index) => [...path, 'partitionBy', index])
  yield* layoutProblems(mapping, path)
  yield* once(
    mapping.sortBy.map((term) => ({ ...term, direction: undefined, nulls: undefined })),
    (index) => [...path, 'sortBy', index],
  )
}

/** Of a table's columns; where a sample is to tell what the values become, the columns of either outcome. */
function* columnNamesApart(written: Mapping, path: Path): Found {
  const { value, kafkaColumns, rescueColumn, compat } = inLayout(written)
  const isWhole = value.format === 'string' || value.format === 'binary'
  const columns: [name: string | null, path: Path][] = Object.entries(kafkaColumns).map(([key, name]) => [
    name,
    [...path, 'kafkaColumns', key],
  ])
  if (compat === 'kafscale') columns.push(['record_id', [...path, 'compat']])
  if (isWhole || compat === 'kafscale' || (value.format === 'auto' && value.columns === undefined))
    columns.push(['value', [...path, 'value', 'format']])
  if (!isWhole) {
    for (const [index, column] of (value.columns ?? []).entries()) columns.push([column.name, [...path, 'value', 'columns', index, 'name']])
    if (compat !== 'kafscale') columns.push([rescueColumn, [...path, 'rescueColumn']])
  }
  const seen = new Map<string, Path>()
  for (const [name, at] of columns) {
    if (name === null) continue
    const before = seen.get(name.toLowerCase())
    if (before === undefined) seen.set(name.toLowerCase(), at)
    else
      yield {
        path: at,
        message: `expected a name that no other column has (case counts for nothing), found the one of ${pathText(before)}`,
      }
  }
}

type Columns = NonNullable<Mapping['value']['columns']>

function* valueColumns(columns: Columns, path: Path): Found {
  for (const [index, column] of columns.entries()) {
    if (column.unit !== undefined && !hasTime(column.type)) {
      yield { path: [...path, index, 'unit'], message: `expected no unit with type ${column.type.type}; dates and times have units` }
    }
    // Two columns of one name, both without a path, are told about as such.
    const place = placeOf(column)
    const before = columns.slice(0, index).find((other) => other.name !== column.name && pathsMeet(placeOf(other), place))
    if (before !== undefined) {
      yield {
        path: [...path, index, column.path === undefined ? 'name' : 'path'],
        message: `expected a place in the document apart from that of ${before.name}, ${valuePathText(placeOf(before))}, found ${valuePathText(place)}`,
      }
    }
  }
}

function placeOf({ path, name }: Columns[number]): readonly string[] {
  return path ?? [name]
}

/** Topics that are named, not matched, are known before any bucket is listed; so are their tables. */
function* tablesApart({ spec }: CheckedDocument, clean: Clean): Found {
  if (!clean([...sourcePath, 'topics'], mappingsPath)) return
  for (const { message } of meetings(
    { spec },
    spec.source.topics.filter((topic) => !isGlob(topic)),
  ).problems) {
    yield { path: mappingsPath, message }
  }
}

function* backfillTimes({ spec }: CheckedDocument, clean: Clean): Found {
  const path: Path = ['spec', 'backfill']
  if (!clean(within(path))) return
  for (const [index, entry] of (spec.backfill ?? []).entries()) {
    if (!clean([...path, index])) continue
    const { from, to } = entry
    if (from !== undefined && to !== undefined && from.timeMs >= to.timeMs) {
      yield { path: [...path, index], message: 'expected from to be before to, found it at the same time or after' }
    }
  }
}

/** A place that is clean where the mapping or list at `path` is one, whatever is wrong with what it holds. */
function within(path: Path): Path {
  return [...path, '']
}

/** Finds what stands there a second time. */
function* once(items: readonly unknown[], pathOf: (index: number) => Path): Found {
  const seen = new Map<string, number>()
  for (const [index, item] of items.entries()) {
    const text = JSON.stringify(item)
    const before = seen.get(text)
    if (before === undefined) seen.set(text, index)
    else yield { path: pathOf(index), message: `expected each one once, found the same as in ${pathText(pathOf(before))}` }
  }
}
