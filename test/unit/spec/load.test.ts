import { describe, expect, test } from 'vitest'
import { loadDocuments } from '../../../src/spec/load.ts'
import { errorOf, everyKey, exampleEnvironment, load, missionYaml, smallest } from './documents.ts'

const endpointWith = (sink: object, s3: object = {}) =>
  load(smallest((d) => (d.spec = { source: { topics: ['a'], s3: { bucket: 'bucket', ...s3 } }, sink }))).spec.sink.catalog.endpoint

describe('documents that are accepted', () => {
  test("the mission's document is accepted to the letter", () => {
    const [document, ...others] = loadDocuments(missionYaml, 'mission.yaml', {})
    expect(others).toEqual([])
    expect(document.metadata).toEqual({ name: 'events-to-iceberg', namespace: 'default' })
    expect(document.spec.source).toMatchObject({
      topics: ['events'],
      s3: { bucket: 'kafscale-data', prefix: 'segments/', pathStyle: false },
    })
    expect(document.spec.sink).toMatchObject({
      catalog: {
        type: 'unity',
        endpoint: 'https://workspace.cloud.databricks.com/api/2.1/unity-catalog/iceberg',
        warehouse: '/Volumes/main/default/warehouse',
      },
      database: 'analytics',
    })
    expect(document.spec.processing).toMatchObject({ parallelism: 4, commitIntervalSeconds: 60 })
  })

  test('the smallest document gets every default', () => {
    expect(load(smallest())).toEqual({
      apiVersion: 'kafscale.io/v1',
      kind: 'IcebergProcessor',
      metadata: { name: 'p', namespace: 'default' },
      spec: {
        source: { topics: ['events'], directory: './segments', startAt: 'earliest', graceSeconds: 10, oldMessageFormats: 'stop' },
        sink: {
          catalog: { type: 'sql', endpoint: 'sqlite:./catalog.db', warehouse: './warehouse', headers: {} },
          storage: { pathStyle: false },
          database: 'default',
          tables: { properties: {}, formatVersion: 2, branch: 'main' },
        },
        processing: { parallelism: 4, commitIntervalSeconds: 60, targetFileSizeBytes: 134217728, memoryLimitBytes: 1073741824 },
        mappings: [],
      },
    })
  })

  test('a mapping gets every default', () => {
    const document = load(smallest((d) => (d.spec.mappings = [{ topic: 'orders-*' }])))
    expect(document.spec.mappings[0]).toEqual({
      topic: 'orders-*',
      mode: 'append',
      key: { format: 'binary' },
      value: { format: 'auto' },
      kafkaColumns: {
        topic: 'kafka_topic',
        partition: 'kafka_partition',
        offset: 'kafka_offset',
        timestamp: 'kafka_timestamp',
        key: 'kafka_key',
        headers: 'kafka_headers',
      },
      rescueColumn: '_rescued',
      partitionBy: [],
      sortBy: [],
      evolution: 'off',
      onError: 'stop',
      compat: 'none',
    })
  })

  test.each([
    ['segments', 'segments/'],
    ['segments/', 'segments/'],
    ['/a/b//', 'a/b/'],
    ['', ''],
    ['/', ''],
  ])('prefix %j becomes %j', (written, prefix) => {
    const document = load(smallest((d) => (d.spec.source = { topics: ['a'], s3: { bucket: 'bucket', prefix: written } })))
    expect(document.spec.source.s3!.prefix).toBe(prefix)
  })

  test('times are read, and timestamp, key and headers can be left out', () => {
    const { spec } = load(
      smallest((d) => {
        d.spec.source.startAt = '2024-01-01T01:00:00+01:00'
        d.spec.mappings = [{ topic: 'events', kafkaColumns: { timestamp: null, key: null, headers: null } }]
      }),
    )
    expect(spec.source.startAt).toEqual({ timeMs: Date.UTC(2024, 0, 1) })
    expect(spec.mappings[0].kafkaColumns).toMatchObject({ topic: 'kafka_topic', timestamp: null, key: null, headers: null })
  })

  test('data files are written as segments are read when nothing else is said', () => {
    const s3 = {
      bucket: 'bucket',
      region: 'eu-central-1',
      endpoint: 'http://127.0.0.1:9000',
      pathStyle: true,
      accessKeyId: 'a',
      secretAccessKey: 'b',
    }
    const { storage } = load(smallest((d) => (d.spec.source = { topics: ['a'], s3 }))).spec.sink
    expect(storage).toMatchObject({ region: 'eu-central-1', endpoint: 'http://127.0.0.1:9000', pathStyle: true })
    expect(storage.accessKeyId!.reveal() + storage.secretAccessKey!.reveal()).toBe('ab')
    const own = load(smallest((d) => (d.spec = { source: { topics: ['a'], s3 }, sink: { storage: { region: 'us-east-1' } } })))
    expect(own.spec.sink.storage).toEqual({ region: 'us-east-1', pathStyle: false })
  })

  test.each(['glue', 's3tables'])("%s's endpoint comes from the region", (type) => {
    expect(endpointWith({ catalog: { type, sigv4: { region: 'eu-west-1' } } })).toBe(`https://${type}.eu-west-1.amazonaws.com/iceberg`)
    expect(endpointWith({ catalog: { type }, storage: { region: 'eu-west-2' } })).toBe(`https://${type}.eu-west-2.amazonaws.com/iceberg`)
    expect(endpointWith({ catalog: { type } }, { region: 'eu-west-3' })).toBe(`https://${type}.eu-west-3.amazonaws.com/iceberg`)
    expect(endpointWith({ catalog: { type, endpoint: 'https://x.example.com/iceberg' } })).toBe('https://x.example.com/iceberg')
  })

  test('numbers and booleans are taken for strings in table properties alone', () => {
    const { tables } = load(smallest((d) => (d.spec.sink = { tables: { properties: { a: 50, b: true, c: '' } } }))).spec.sink
    expect(tables.properties).toEqual({ a: '50', b: 'true', c: '' })
  })

  test('a document with every key is accepted', () => {
    const { spec } = load(everyKey(), exampleEnvironment)
    expect(spec.processing.parallelism).toBe(7)
    expect(spec.sink.tables.properties).toEqual({ 'write.metadata.previous-versions-max': '50' })
    expect(spec.queue!.password!.reveal()).toBe('a password')
    expect(spec.mappings[0].value.columns![1].type).toEqual({ type: 'decimal', precision: 12, scale: 2 })
  })
})

const named = (name: string) => smallest((d) => (d.metadata = { name }))
const names = (text: string) => loadDocuments(text, 'f', {}).map((document) => document.metadata.name)

describe('several documents', () => {
  test('they are parted by ---, in a JSON array or in a Kubernetes List; empty ones count for nothing', () => {
    const [a, b] = [JSON.stringify(named('a')), JSON.stringify(named('b'))]
    expect(names(`---\n${a}\n---\n# nothing\n---\n${b}\n`)).toEqual(['a', 'b'])
    expect(names(`[${a}, ${b}]`)).toEqual(['a', 'b'])
    expect(names(`{"apiVersion": "v1", "kind": "List", "items": [${a}, ${b}]}`)).toEqual(['a', 'b'])
  })

  test('JSON may be indented with tabs and start with a byte order mark', () => {
    expect(names(`\uFEFF${JSON.stringify(named('a'), undefined, '\t')}`)).toEqual(['a'])
  })

  test('two with one name in one namespace are refused', () => {
    const text = `${JSON.stringify(named('a'))}\n---\n${JSON.stringify(named('a'))}`
    expect(errorOf(() => names(text)).message).toBe(
      'f:3:77: document a: metadata.name: expected one document of this name in its namespace, found it in document 1 too',
    )
    const elsewhere = smallest((d) => (d.metadata = { name: 'a', namespace: 'other' }))
    expect(names(`${JSON.stringify(named('a'))}\n---\n${JSON.stringify(elsewhere)}`)).toEqual(['a', 'a'])
  })

  test('a problem says which document it is about, by name or else by number', () => {
    const nameless = { ...named('x'), metadata: {} }
    const wrong = { ...named('b'), kind: 'Processor' }
    const { problems } = errorOf(() => names(`[${JSON.stringify(named('a'))},\n${JSON.stringify(wrong)},\n${JSON.stringify(nameless)}]`))
    expect(problems.map(({ document, path, line }) => [document, path, line])).toEqual([
      ['b', 'kind', 2],
      ['3', 'metadata.name', 3],
    ])
  })

  test('a file without documents is refused', () => {
    for (const text of ['', '# nothing\n', '---\n---\n', '[]', '{"kind": "List", "items": []}']) {
      expect(errorOf(() => names(text)).message).toBe('f: expected at least one document, found none')
    }
  })
})
