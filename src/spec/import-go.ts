/** A document of ours, as plain data, as YAML has it. */
export type PlainDocument = Readonly<Record<string, unknown>>

/** What became of a configuration of KafScale's Go processor. */
export interface Imported {
  /** One for each namespace of tables: a document has one. */
  readonly documents: readonly PlainDocument[]
  /** What is otherwise than it was, and what the documents do not say. */
  readonly notes: readonly string[]
  /** Environment variables that stand in place of secrets. */
  readonly secrets: readonly string[]
}

/** What has no counterpart since it is the same for everybody here: `offsets.lease_ttl_seconds`, … */
const unneeded: ReadonlySet<string> = new Set([
  'offsets.backend',
  'offsets.lease_ttl_seconds',
  'discovery.mode',
  'schema.registry.timeout_seconds',
  'schema.registry.cache_seconds',
])

/**
 * Translates the configuration file of KafScale's Go processor, read as YAML, into documents that go on with its tables in its layout.
 * Secrets are not repeated. Pure.
 */
export function importGo(config: unknown, name: string): Imported {
  const notes: string[] = []
  const secrets: string[] = []
  const taken = new Set<string>()
  const get = (path: string): unknown => {
    taken.add(path)
    return path.split('.').reduce<unknown>((value, key) => (isPlain(value) ? value[key] : undefined), config)
  }
  const text = (path: string): string | undefined => {
    const value = get(path)
    return value === undefined || value === null || value === '' ? undefined : literal(written(value))
  }
  const secret = (path: string, variable: string): string | undefined => {
    if (text(path) === undefined) return undefined
    secrets.push(variable)
    return `\${${variable}}`
  }

  const mappings = listOf(get('mappings')).filter(isPlain)
  if (mappings.length === 0) notes.push('it has no mappings, and so no topics: say them in spec.source.topics')
  const source = (topics: readonly string[]) =>
    plain({
      topics: topics.length === 0 ? ['*'] : topics,
      s3: plain({
        bucket: text('s3.bucket'),
        prefix: text('s3.namespace'),
        region: text('s3.region'),
        endpoint: text('s3.endpoint'),
        pathStyle: get('s3.path_style') === true ? true : undefined,
      }),
      etcd:
        listOf(get('etcd.endpoints')).length === 0
          ? undefined
          : plain({
              endpoints: listOf(get('etcd.endpoints')).map((one) => withScheme(literal(written(one)))),
              username: text('etcd.username'),
              password: secret('etcd.password', 'ETCD_PASSWORD'),
            }),
    })
  const warehouse = text('iceberg.warehouse')?.replace(/\/+$/, '')
  const [clientId, clientSecret] = [text('iceberg.catalog.username'), secret('iceberg.catalog.password', 'CATALOG_CLIENT_SECRET')]
  const sink = (database: string) => ({
    catalog: plain({
      type: text('iceberg.catalog.type'),
      endpoint: text('iceberg.catalog.uri'),
      warehouse,
      token: secret('iceberg.catalog.token', 'CATALOG_TOKEN'),
      oauth2: clientId === undefined && clientSecret === undefined ? undefined : plain({ clientId, clientSecret }),
    }),
    database,
    tables: warehouse === undefined ? undefined : { location: `${warehouse}/${database.split('.').join('/')}` },
  })

  const byNamespace = Map.groupBy(mappings, ({ table }) => namespaceOf(written(table)))
  if (byNamespace.size === 0) byNamespace.set('default', [])
  const documents = [...byNamespace].map(([namespace, own]) => ({
    apiVersion: 'kafscale.io/v1',
    kind: 'IcebergProcessor',
    metadata: { name: byNamespace.size === 1 ? name : `${name}-${namespace.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}` },
    spec: {
      source: source(own.map(({ topic }) => literal(written(topic)))),
      sink: plain(sink(namespace)),
      mappings: own.map((one, i) => mapping(one, mappings.indexOf(own[i]), notes)),
    },
  }))
  if (byNamespace.size > 1) notes.push(`a document has one namespace of tables, so there are ${byNamespace.size} documents`)

  const prefix = text('offsets.key_prefix') ?? 'processors'
  notes.push(`where it had come to: recover --from-rows, or --from-etcd ${prefix}, before the first run`)
  if (text('processor.poll_interval_seconds') !== undefined)
    notes.push('processor.poll_interval_seconds: rows come to the table every 60 s; spec.processing.commitIntervalSeconds says otherwise')
  const mode = text('schema.mode')
  if (mode !== undefined && mode !== 'off')
    notes.push(`schema.mode ${mode}: records are not checked against a registry; all of them are rows`)
  text('schema.registry.base_url')
  for (const path of leaves(config, '')) {
    const known = [...taken].some((one) => path === one || path.startsWith(`${one}.`))
    if (!known && !unneeded.has(path)) notes.push(`${path}: nothing is known of it, and it is left out`)
  }
  return { documents, notes, secrets: [...new Set(secrets)] }
}

function mapping(one: Readonly<Record<string, unknown>>, index: number, notes: string[]): PlainDocument {
  const where = `mappings[${index}]`
  const [schema, lfs] = [isPlain(one.schema) ? one.schema : {}, isPlain(one.lfs) ? one.lfs : {}]
  const columns = listOf(schema.columns).filter(isPlain)
  if (schema.source === 'registry' || (schema.source === undefined && columns.length === 0))
    notes.push(`${where}: columns from a registry are not filled; say them in value.columns`)
  if (one.create_table_if_missing !== true) notes.push(`${where}: a table that is missing is created`)
  if (typeof lfs.mode === 'string' && lfs.mode !== 'off')
    notes.push(`${where}.lfs.mode ${lfs.mode}: large objects are not fetched; the value is the envelope that names one`)
  const times = columns.filter(({ type }) => written(type).toLowerCase() === 'timestamp').map(({ name }) => written(name))
  if (times.length > 0)
    notes.push(
      `${where}: ${times.join(', ')}: rows from before have times of January 1970; text with a zone is null in a timestamp, numbers need a unit (s, ms, us, ns)`,
    )
  const required = columns.filter((column) => column.required === true).map(({ name }) => written(name))
  if (required.length > 0) {
    const what = `a record without ${required.join(' or ')} stops its topic-partition, as onError says`
    notes.push(`${where}: ${what}; the Go processor skipped the segment`)
  }
  for (const key of Object.keys(one)) {
    if (!mappingKeys.has(key)) notes.push(`${where}.${key}: nothing is known of it, and it is left out`)
  }
  return plain({
    topic: literal(written(one.topic)),
    table: literal(written(one.table).split('.').at(-1)!),
    compat: 'kafscale',
    value:
      columns.length === 0
        ? undefined
        : {
            format: 'json',
            columns: columns.map(({ name, type, required: isRequired }) =>
              plain({ name: literal(written(name)), type: written(type).toLowerCase(), required: isRequired === true ? true : undefined }),
            ),
          },
  })
}

const mappingKeys: ReadonlySet<string> = new Set(['topic', 'table', 'mode', 'create_table_if_missing', 'schema', 'lfs'])

function namespaceOf(table: string): string {
  const levels = table.split('.')
  return levels.length < 2 ? 'default' : levels.slice(0, -1).join('.')
}

/** etcd's client takes addresses without a scheme. */
function withScheme(endpoint: string): string {
  return /^https?:\/\//.test(endpoint) ? endpoint : `http://${endpoint}`
}

/** Text that a document has as it is: it knows variables, and that file does not. */
function literal(text: string): string {
  return text.replaceAll('${', () => '$${')
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

/** A scalar as it is written. */
function written(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? '')
}

/** Without what is undefined. */
function plain(members: Readonly<Record<string, unknown>>): PlainDocument {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined))
}

/** The paths of all values that are neither mappings nor in a mapping of a topic. */
function* leaves(value: unknown, path: string): Generator<string> {
  if (isPlain(value)) for (const [key, member] of Object.entries(value)) yield* leaves(member, path === '' ? key : `${path}.${key}`)
  else if (value !== null && value !== undefined && value !== '') yield path
}
