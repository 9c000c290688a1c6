import { describe, expect, test } from 'vitest'
import { loadDocuments } from '../../../src/spec/load.ts'
import { errorOf, problemsOf, smallest } from './documents.ts'
import type { Plain } from './documents.ts'

const inS3 = (d: Plain, s3: object) => (d.spec.source = { topics: ['events'], s3: { bucket: 'bucket', ...s3 } })
const inMapping = (d: Plain, mapping: object) => (d.spec.mappings = [{ topic: 'events', ...mapping }])
const inColumns = (d: Plain, ...columns: object[]) => inMapping(d, { value: { columns } })

/** What is done to the smallest document, and what is said about it. */
const mistakes: [what: string, change: (d: Plain) => void, ...problems: string[]][] = [
  ['another version', (d) => (d.apiVersion = 'v1'), 'apiVersion: expected kafscale.io/v1, found "v1"'],
  [
    'another kind',
    (d) => (d.kind = 'IcebergProcesor'),
    'kind: expected IcebergProcessor, found "IcebergProcesor"; did you mean IcebergProcessor?',
  ],
  ['no name', (d) => (d.metadata = {}), "metadata.name: missing; expected the processor's name"],
  [
    'a bad name',
    (d) => (d.metadata.name = 'My Events'),
    'metadata.name: expected the processor\'s name (lower-case letters, digits, "-" and "." within, at most 253 characters), found "My Events"',
  ],
  ['no spec', (d) => delete d.spec, 'spec: missing; expected a mapping'],
  ['no source', (d) => (d.spec = {}), 'spec.source: missing; expected a mapping'],
  ['nothing where a mapping is expected', (d) => (d.spec.sink = null), 'spec.sink: expected a mapping, found nothing (null)'],
  ['a string where a mapping is expected', (d) => (d.spec.sink = 'rest'), 'spec.sink: expected a mapping, found a string'],
  ['no topics', (d) => delete d.spec.source.topics, 'spec.source.topics: missing; expected a list of at least one topic'],
  [
    'an empty list of topics',
    (d) => (d.spec.source.topics = []),
    'spec.source.topics: expected a list of at least one topic, found an empty list',
  ],
  [
    'one topic without a list',
    (d) => (d.spec.source.topics = 'events'),
    'spec.source.topics: expected a list of at least one topic, found a string',
  ],
  [
    'a number as topic',
    (d) => (d.spec.source.topics = [5]),
    "spec.source.topics[0]: expected a topic's name or glob, found 5; quotes make it a string",
  ],
  [
    'an empty topic',
    (d) => (d.spec.source.topics = ['']),
    "spec.source.topics[0]: expected a topic's name or glob (at least one character), found an empty string",
  ],
  [
    'an illegal topic',
    (d) => (d.spec.source.topics = ['a b']),
    'spec.source.topics[0]: expected a topic\'s name or glob (letters, digits, ".", "_" and "-" in names, and *, ?, [a-z], [!a-z], {this,that} in globs; not so at character 2), found "a b"',
  ],
  [
    'a topic twice',
    (d) => (d.spec.source.topics = ['a', 'b', 'a']),
    'spec.source.topics[2]: expected each one once, found the same as in spec.source.topics[0]',
  ],
  [
    'two topics that meet in one table',
    (d) => (d.spec.source.topics = ['a.b', 'a_b']),
    'spec.mappings: topics a.b and a_b meet in table a_b; expected a mapping that names a table for each of them (the same one where that is meant)',
  ],
  ['neither s3 nor directory', (d) => delete d.spec.source.directory, 'spec.source: expected one of s3 and directory, found neither'],
  ['both s3 and directory', (d) => (d.spec.source.s3 = { bucket: 'bucket' }), 'spec.source: expected one of s3 and directory, found both'],
  ['no bucket', (d) => (d.spec.source = { topics: ['a'], s3: {} }), "spec.source.s3.bucket: missing; expected a bucket's name"],
  [
    'a URL as bucket',
    (d) => inS3(d, { bucket: 's3://data/x' }),
    'spec.source.s3.bucket: expected a bucket\'s name (the name alone, no URL; what follows it goes into prefix), found "s3://data/x"',
  ],
  [
    'an endpoint that is no URL',
    (d) => inS3(d, { endpoint: 'localhost' }),
    'spec.source.s3.endpoint: expected an http or https URL (it is no URL), found "localhost"',
  ],
  [
    'an endpoint with a password',
    (d) => inS3(d, { endpoint: 'http://me:pa/ss@host' }),
    'spec.source.s3.endpoint: expected an http or https URL (it is no URL), found "http://***@host"',
  ],
  [
    'an access key alone',
    (d) => inS3(d, { accessKeyId: 'x' }),
    'spec.source.s3: expected secretAccessKey beside accessKeyId, found accessKeyId alone',
  ],
  [
    "a storage's secret key alone",
    (d) => (d.spec.sink = { storage: { secretAccessKey: 'x' } }),
    'spec.sink.storage: expected accessKeyId beside secretAccessKey, found secretAccessKey alone',
  ],
  [
    'an external id alone',
    (d) => inS3(d, { externalId: 'x' }),
    'spec.source.s3: expected roleArn beside externalId, found externalId alone',
  ],
  [
    'a user without a password',
    (d) => (d.spec.source.etcd = { endpoints: ['http://etcd:2379'], username: 'x' }),
    'spec.source.etcd: expected password beside username, found username alone',
  ],
  [
    'a string where true or false is expected',
    (d) => inS3(d, { pathStyle: 'yes' }),
    'spec.source.s3.pathStyle: expected true or false, found "yes"',
  ],
  [
    'a bad time',
    (d) => (d.spec.source.startAt = 'yesterday'),
    'spec.source.startAt: expected earliest, latest or an ISO time (such as 2024-01-01T00:00:00Z), found "yesterday"',
  ],
  [
    'a negative duration',
    (d) => (d.spec.source.graceSeconds = -1),
    'spec.source.graceSeconds: expected a number from 0 to 86400, found -1',
  ],
  [
    'an unknown type of catalog',
    (d) => (d.spec.sink = { catalog: { type: 'polarys', endpoint: 'http://x' } }),
    'spec.sink.catalog.type: expected unity, polaris, glue, s3tables, rest or sql, found "polarys"; did you mean polaris?',
  ],
  [
    'rest without an endpoint',
    (d) => (d.spec.sink = { catalog: { type: 'rest' } }),
    'spec.sink.catalog: expected endpoint with type rest, found none',
  ],
  [
    'glue without endpoint and region',
    (d) => (d.spec.sink = { catalog: { type: 'glue' } }),
    'spec.sink.catalog: expected endpoint with type glue, or a region in sigv4, in spec.sink.storage or in spec.source.s3, found none',
  ],
  [
    'a file as endpoint of rest',
    (d) => (d.spec.sink = { catalog: { type: 'rest', endpoint: 'sqlite:./x.db' } }),
    'spec.sink.catalog.endpoint: expected an http or https URL (it must start with http:// or https://)',
  ],
  [
    'a URL as endpoint of sql',
    (d) => (d.spec.sink = { catalog: { endpoint: 'https://x', token: 't' } }),
    "spec.sink.catalog.endpoint: expected sqlite: and a file's path, as sqlite:./catalog.db, with type sql; an Iceberg REST catalog has type rest",
    'spec.sink.catalog.token: expected no token with type sql, which is a file; an Iceberg REST catalog has type rest',
  ],
  [
    'a warehouse of sql elsewhere',
    (d) => (d.spec.sink = { catalog: { warehouse: 'gs://x/y' } }),
    'spec.sink.catalog.warehouse: expected a directory or an s3:// location with type sql',
  ],
  [
    'a header with a bad name',
    (d) => (d.spec.sink = { catalog: { type: 'rest', endpoint: 'http://x', headers: { 'a b': 'x' } } }),
    'spec.sink.catalog.headers["a b"]: expected the name of an HTTP header, found a name with other characters',
  ],
  [
    'an empty level in the database',
    (d) => (d.spec.sink = { database: 'a..b' }),
    'spec.sink.database: expected a database\'s name (letters, digits, "_" and "-", with single dots between levels, at most 255 characters), found "a..b"',
  ],
  ['format version 1', (d) => (d.spec.sink = { tables: { formatVersion: 1 } }), 'spec.sink.tables.formatVersion: expected 2 or 3, found 1'],
  [
    'half a task',
    (d) => (d.spec.processing = { parallelism: 1.5 }),
    'spec.processing.parallelism: expected a whole number from 1 to 10000, found 1.5',
  ],
  [
    'no time between commits',
    (d) => (d.spec.processing = { commitIntervalSeconds: 0 }),
    'spec.processing.commitIntervalSeconds: expected a number above 0, up to 86400, found 0',
  ],
  [
    'a number in quotes',
    (d) => (d.spec.processing = { commitIntervalSeconds: '60' }),
    'spec.processing.commitIntervalSeconds: expected a number above 0, up to 86400, found "60"',
  ],
  [
    'tiny files and little memory',
    (d) => (d.spec.processing = { targetFileSizeBytes: 1000, memoryLimitBytes: 1000 }),
    'spec.processing.targetFileSizeBytes: expected a whole number of at least 1048576, found 1000',
    'spec.processing.memoryLimitBytes: expected a whole number of at least 134217728, found 1000',
  ],
  [
    'rewriting of files in too little memory for it',
    (d) => ((d.spec.processing = { memoryLimitBytes: 436_207_615 }), (d.spec.maintenance = { compaction: { enabled: true } })),
    'spec.processing.memoryLimitBytes: expected at least 436207616 to rewrite files, found 436207615; or leave spec.maintenance.compaction.enabled out',
  ],
  [
    'a number beyond what a number holds',
    (d) => (d.spec.processing = { targetFileSizeBytes: 2 ** 60 }),
    'spec.processing.targetFileSizeBytes: expected a whole number of at least 1048576, found 1152921504606847000',
  ],
  ['a mapping without a topic', (d) => (d.spec.mappings = [{}]), "spec.mappings[0].topic: missing; expected a topic's name or glob"],
  [
    'two mappings of one topic',
    (d) => (d.spec.mappings = [{ topic: 'a' }, { topic: 'a' }]),
    'spec.mappings[1].topic: expected each one once, found the same as in spec.mappings[0].topic',
  ],
  [
    'a database in the table',
    (d) => inMapping(d, { table: 'shop.orders' }),
    'spec.mappings[0].table: expected a table\'s name (without a dot: the database stands in spec.sink.database), found "shop.orders"',
  ],
  [
    'the offset left out',
    (d) => inMapping(d, { kafkaColumns: { offset: null } }),
    "spec.mappings[0].kafkaColumns.offset: expected a column's name, found nothing (null)",
  ],
  [
    "a name that is Iceberg's own",
    (d) => inMapping(d, { kafkaColumns: { offset: '_POS' } }),
    'spec.mappings[0].kafkaColumns.offset: expected a column\'s name (this name is reserved), found "_POS"',
  ],
  [
    'two Kafka columns of one name',
    (d) => inMapping(d, { kafkaColumns: { offset: 'Kafka_Topic' } }),
    'spec.mappings[0].kafkaColumns.offset: expected a name that no other column has (case counts for nothing), found the one of spec.mappings[0].kafkaColumns.topic',
  ],
  [
    'a Kafka column that is named as the value',
    (d) => inMapping(d, { kafkaColumns: { key: 'value' } }),
    'spec.mappings[0].value.format: expected a name that no other column has (case counts for nothing), found the one of spec.mappings[0].kafkaColumns.key',
  ],
  [
    'case twins among the columns',
    (d) => inColumns(d, { name: 'Id', type: 'int' }, { name: 'id', type: 'long' }),
    'spec.mappings[0].value.columns[1].name: expected a name that no other column has (case counts for nothing), found the one of spec.mappings[0].value.columns[0].name',
  ],
  [
    'a column named as the rescue column',
    (d) => inColumns(d, { name: '_rescued', type: 'string' }),
    'spec.mappings[0].rescueColumn: expected a name that no other column has (case counts for nothing), found the one of spec.mappings[0].value.columns[0].name',
  ],
  [
    'a type that there is not',
    (d) => inColumns(d, { name: 'a', type: 'strng' }),
    'spec.mappings[0].value.columns[0].type: expected a column type (there is no type "strng"; did you mean string?), found "strng"',
  ],
  [
    'a type that is not closed',
    (d) => inColumns(d, { name: 'a', type: 'list<string' }),
    'spec.mappings[0].value.columns[0].type: expected a column type (expected ">" at character 12), found "list<string"',
  ],
  [
    'a unit of a number',
    (d) => inColumns(d, { name: 'a', type: 'long', unit: 'ms' }),
    'spec.mappings[0].value.columns[0].unit: expected no unit with type long; dates and times have units',
  ],
  [
    'a place that is no path',
    (d) => inColumns(d, { name: 'a', type: 'int', path: 'b.c' }),
    "spec.mappings[0].value.columns[0].path: expected where the value stands ($ and names, as $.address.city or $['address']['city']; not so at character 1), found \"b.c\"",
  ],
  [
    'one place for two columns',
    (d) => inColumns(d, { name: 'a', type: 'int' }, { name: 'b', type: 'int', path: '$.a' }),
    "spec.mappings[0].value.columns[1].path: expected a place in the document apart from that of a, $['a'], found $['a']",
  ],
  [
    'a place within that of another column',
    (d) => inColumns(d, { name: 'a', type: 'int', path: '$.x.y' }, { name: 'b', type: 'int' }, { name: 'x', type: 'string' }),
    "spec.mappings[0].value.columns[2].name: expected a place in the document apart from that of a, $['x']['y'], found $['x']",
  ],
  [
    'one column twice',
    (d) => inColumns(d, { name: 'a', type: 'int' }, { name: 'a', type: 'int' }),
    'spec.mappings[0].value.columns[1].name: expected a name that no other column has (case counts for nothing), found the one of spec.mappings[0].value.columns[0].name',
  ],
  [
    "a column of a name that is Iceberg's own",
    (d) => inColumns(d, { name: '_file', type: 'string' }),
    'spec.mappings[0].value.columns[0].name: expected a column\'s name (this name is reserved), found "_file"',
  ],
  [
    'a column named as a Kafka column',
    (d) => inColumns(d, { name: 'Kafka_Key', type: 'string' }),
    'spec.mappings[0].value.columns[0].name: expected a name that no other column has (case counts for nothing), found the one of spec.mappings[0].kafkaColumns.key',
  ],
  [
    'a rescue column named as the value, where a sample is to tell',
    (d) => inMapping(d, { rescueColumn: 'Value' }),
    'spec.mappings[0].rescueColumn: expected a name that no other column has (case counts for nothing), found the one of spec.mappings[0].value.format',
  ],
  [
    'two fields at one key',
    (d) => inColumns(d, { name: 'a', type: "struct<b 'x': int, c 'x': int>" }),
    'spec.mappings[0].value.columns[0].type: expected a column type (two of its fields stand at the key "x"), found "struct<b \'x\': int, c \'x\': int>"',
  ],
  [
    'columns of a value that is kept whole',
    (d) => inMapping(d, { value: { format: 'string', columns: [{ name: 'a', type: 'int' }] } }),
    'spec.mappings[0].value.columns: expected no columns with format string, which gives one column, value',
  ],
  [
    'a transform that there is not',
    (d) => inMapping(d, { partitionBy: ['dayy(a)'] }),
    'spec.mappings[0].partitionBy[0]: expected a partition term such as day(kafka_timestamp) (there is no transform "dayy"; did you mean day?), found "dayy(a)"',
  ],
  [
    'a partition term twice',
    (d) => inMapping(d, { partitionBy: ['day(a)', 'day( a )'] }),
    'spec.mappings[0].partitionBy[1]: expected each one once, found the same as in spec.mappings[0].partitionBy[0]',
  ],
  [
    'a partition transform that does not take the column',
    (d) => inMapping(d, { partitionBy: ['kafka_topic', 'day(kafka_key)'] }),
    'spec.mappings[0].partitionBy[1]: expected a transform that takes binary (transform day takes date, timestamp, timestamptz, not binary)',
  ],
  [
    'a partition term of a list',
    (d) => inMapping(d, { partitionBy: ['kafka_headers'] }),
    'spec.mappings[0].partitionBy[0]: expected a column of a plain type, found "kafka_headers", which is a list',
  ],
  [
    'a partition term of a field within a column that is no struct',
    (d) => inMapping(d, { partitionBy: ['kafka_key.id'] }),
    'spec.mappings[0].partitionBy[0]: expected a struct before the dot, found "kafka_key", which is a binary',
  ],
  [
    'two partition terms for the time of one column',
    (d) => inMapping(d, { partitionBy: ['day(kafka_timestamp)', 'hour(kafka_timestamp)'] }),
    'spec.mappings[0].partitionBy[1]: expected one of year, month, day and hour of kafka_timestamp, found hour beside day',
  ],
  [
    'two partition fields of one name',
    (d) => inMapping(d, { partitionBy: ['bucket(4, kafka_key)', 'bucket(8, kafka_key)'] }),
    'spec.mappings[0].partitionBy[1]: expected a partition field with a name of its own, found a second one of the name "kafka_key_bucket"',
  ],
  [
    'a partition field with the name of a column',
    (d) =>
      inMapping(d, {
        partitionBy: ['bucket(4, id)'],
        value: {
          columns: [
            { name: 'id', type: 'int' },
            { name: 'id_bucket', type: 'int' },
          ],
        },
      }),
    'spec.mappings[0].partitionBy[0]: expected a partition field whose name no column has, found "id_bucket"; call the column otherwise',
  ],
  [
    'a partition term of a column that is not among those declared',
    (d) => inMapping(d, { partitionBy: ['id', 'day(kafka_timestmp)'], value: { columns: [{ name: 'id', type: 'int' }] } }),
    'spec.mappings[0].partitionBy[1]: expected a column of the table, found "kafka_timestmp"; did you mean kafka_timestamp?',
  ],
  [
    'a partition term of a Kafka column that is left out, where the value is kept whole',
    (d) => inMapping(d, { partitionBy: ['day(kafka_timestamp)'], kafkaColumns: { timestamp: null }, value: { format: 'binary' } }),
    'spec.mappings[0].partitionBy[0]: expected a column of the table, found "kafka_timestamp"',
  ],
  [
    'a sort term of a column that is not among those declared',
    (d) => inMapping(d, { sortBy: ['value', 'kafka_ofset desc'], value: { format: 'string' } }),
    'spec.mappings[0].sortBy[1]: expected a column of the table, found "kafka_ofset"; did you mean kafka_offset?',
  ],
  [
    'a sort term twice, in two directions',
    (d) => inMapping(d, { sortBy: ['a', 'a desc'] }),
    'spec.mappings[0].sortBy[1]: expected each one once, found the same as in spec.mappings[0].sortBy[0]',
  ],
  [
    'a sort term with a word too much',
    (d) => inMapping(d, { sortBy: ['a descending'] }),
    'spec.mappings[0].sortBy[0]: expected a sort term such as customer_id desc nulls last (after the column come asc or desc, then nulls first or nulls last), found "a descending"',
  ],
  [
    'a word that is no choice',
    (d) => inMapping(d, { onError: 'deadletter' }),
    'spec.mappings[0].onError: expected stop, skip or deadLetter, found "deadletter"; did you mean deadLetter?',
  ],
  [
    'a queue that is no Redis URL',
    (d) => (d.spec.queue = { redis: 'amqp://x:secret@y' }),
    'spec.queue.redis: expected a URL that starts with redis:// or rediss:// (special characters in a password are percent-encoded), found a string',
  ],
  [
    'a backfill that ends before it begins',
    (d) => (d.spec.backfill = [{ topic: 'a', from: '2024-02-01', to: '2024-01-01' }]),
    'spec.backfill[0]: expected from to be before to, found it at the same time or after',
  ],
  [
    'an address without a port',
    (d) => (d.spec.metrics = { address: '9093x' }),
    'spec.metrics.address: expected an address to listen on (such as ":9093" or "127.0.0.1:9093"), found "9093x"',
  ],
  ['an unknown key', (d) => (d.spec.processing = { paralelism: 4 }), 'spec.processing.paralelism: unknown key; did you mean parallelism?'],
  [
    'a key in another style',
    (d) => (d.spec.processing = { commit_interval_seconds: 4 }),
    'spec.processing.commit_interval_seconds: unknown key; did you mean commitIntervalSeconds?',
  ],
  [
    'a key at the wrong place',
    (d) => (d.spec.commitIntervalSeconds = 4),
    'spec.commitIntervalSeconds: unknown key; did you mean spec.processing.commitIntervalSeconds?',
  ],
  [
    'a key like no other',
    (d) => (d.spec.queue = { redis: 'redis://x', zookeeper: 'x' }),
    'spec.queue.zookeeper: unknown key; expected redis, username, password, sentinel, cluster or tls',
  ],
  [
    'a number as secret',
    (d) => inS3(d, { accessKeyId: 12345, secretAccessKey: 'x' }),
    'spec.source.s3.accessKeyId: expected a string, or {file: path}, found a number; quotes make it a string',
  ],
  [
    'a secret from elsewhere',
    (d) => inS3(d, { accessKeyId: 'x', secretAccessKey: { env: 'y' } }),
    'spec.source.s3.secretAccessKey.file: missing; expected the path of a file',
    'spec.source.s3.secretAccessKey.env: unknown key; expected file',
  ],
]

describe('a mistake is named with its path, what was expected and what was found', () => {
  test.each(mistakes)('%s', (_what, change, ...problems) => {
    expect(problemsOf(smallest(change))).toEqual(problems)
  })
})

test('all mistakes are told at once, in the order of the file, each with line and column', () => {
  const text = `apiVersion: kafscale.io/v1
kind: IcebergProcessor
metadata: {name: p}
spec:
  source:
    topics: [a, a]
    s3:
      bukket: data
    directory: ./x
  sink:
    catalog: {type: rest}
  processing:
    parallelism: \${TASKS}
    targetFileSizeBytes: 0.5
`
  const error = errorOf(() => loadDocuments(text, 'dir/p.yaml', {}))
  expect(error.message.split('\n')).toEqual([
    'dir/p.yaml:5:3: spec.source: expected one of s3 and directory, found both',
    'dir/p.yaml:6:17: spec.source.topics[1]: expected each one once, found the same as in spec.source.topics[0]',
    "dir/p.yaml:7:5: spec.source.s3.bucket: missing; expected a bucket's name",
    'dir/p.yaml:8:7: spec.source.s3.bukket: unknown key; did you mean bucket?',
    'dir/p.yaml:11:5: spec.sink.catalog: expected endpoint with type rest, found none',
    'dir/p.yaml:13:18: spec.processing.parallelism: expected environment variable TASKS to be set, and it is not',
    'dir/p.yaml:14:26: spec.processing.targetFileSizeBytes: expected a whole number of at least 1048576, found 0.5',
  ])
  expect(error.problems[3]).toEqual({
    file: 'dir/p.yaml',
    line: 8,
    column: 7,
    document: undefined,
    path: 'spec.source.s3.bukket',
    message: 'unknown key; did you mean bucket?',
  })
})
