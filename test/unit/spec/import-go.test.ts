import { describe, expect, test } from 'vitest'
import { importGo } from '../../../src/spec/import-go.ts'
import { recordingTerminal } from '../cli/program.ts'
import { specImportCommand } from '../../../src/cli/spec/import.ts'
import { loadDocuments } from '../../../src/spec/load.ts'
import { notYet } from '../../../src/spec/not-yet.ts'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const config = `
s3: {bucket: kafscale-data, namespace: /production/, region: eu-central-1, endpoint: "http://minio:9000", path_style: true}
iceberg:
  catalog: {type: rest, uri: "http://catalog:8181", token: planted-secret, username: client, password: planted-secret-too}
  warehouse: s3://lake/warehouse/
offsets: {backend: etcd, lease_ttl_seconds: 30, key_prefix: mine}
processor: {poll_interval_seconds: 5}
discovery: {mode: auto}
etcd: {endpoints: ["etcd-0:2379", "http://etcd-1:2379"], username: u, password: planted-secret-three}
schema: {mode: lenient, registry: {base_url: "http://schemas", timeout_seconds: 5, cache_seconds: 300}}
surprise: {nobody: knows}
mappings:
  - topic: orders
    table: prod.sales.orders
    mode: append
    create_table_if_missing: true
    schema:
      columns: [{name: order_id, type: LONG, required: true}, {name: at, type: timestamp}]
      allow_type_widening: true
  - {topic: "clicks", table: web.clicks, schema: {source: none}, lfs: {mode: hybrid, max_inline_size: 1}, odd: 1}
`

async function imported(text: string) {
  const home = await mkdtemp(join(tmpdir(), 'import-'))
  try {
    const file = join(home, 'config.yaml')
    await writeFile(file, text)
    const terminal = recordingTerminal()
    expect(await specImportCommand.run!({ options: { file } }, terminal)).toBe(0)
    return terminal.lines
  } finally {
    await rm(home, { recursive: true })
  }
}

describe("a configuration of KafScale's Go processor", () => {
  test('becomes documents that this version runs, one for each namespace', async () => {
    const lines = await imported(config)
    const environment = { CATALOG_TOKEN: 't', CATALOG_CLIENT_SECRET: 'c', ETCD_PASSWORD: 'e' }
    const documents = loadDocuments(lines.join('\n'), 'spec.yaml', environment)
    expect(documents.flatMap(notYet)).toEqual([])
    expect(documents.map(({ metadata }) => metadata.name)).toEqual(['iceberg-prod-sales', 'iceberg-web'])
    const [{ spec }] = documents
    expect(spec.source).toMatchObject({
      topics: ['orders'],
      s3: { bucket: 'kafscale-data', prefix: 'production/', region: 'eu-central-1', endpoint: 'http://minio:9000', pathStyle: true },
      etcd: { endpoints: ['http://etcd-0:2379', 'http://etcd-1:2379'], username: 'u' },
    })
    expect(spec.source.etcd?.password?.reveal()).toBe('e')
    expect(spec.sink).toMatchObject({
      database: 'prod.sales',
      catalog: { type: 'rest', endpoint: 'http://catalog:8181', warehouse: 's3://lake/warehouse', oauth2: { clientId: 'client' } },
      tables: { location: 's3://lake/warehouse/prod/sales' },
    })
    expect(spec.mappings).toMatchObject([
      {
        topic: 'orders',
        table: 'orders',
        compat: 'kafscale',
        value: {
          columns: [
            { name: 'order_id', type: { type: 'long' }, required: true },
            { name: 'at', type: { type: 'timestamp' }, required: false },
          ],
        },
      },
    ])
    expect(documents[1].spec.mappings[0].value.columns).toBeUndefined()
  })

  test('is told where something is otherwise, or left out, without its secrets', async () => {
    const comments = (await imported(config)).filter((line) => line.startsWith('#')).join('\n')
    for (const told of [
      'CATALOG_TOKEN',
      '--from-etcd mine',
      'surprise.nobody',
      'mappings[1].odd',
      'mappings[1].lfs.mode hybrid',
      'schema.mode lenient',
      'a record without order_id stops',
      'mappings[0]: at: rows from before',
    ])
      expect(comments).toContain(told)
    expect(comments).not.toContain('lease_ttl')
    expect((await imported(config)).join('\n')).not.toContain('planted')
  })

  test('with what can not be a document is refused', async () => {
    await expect(imported(config.replace('bucket: kafscale-data, ', ''))).rejects.toThrow('bucket')
    await expect(imported('a: 1\n---\nb: 2')).rejects.toThrow('expected one configuration')
  })

  test.each([null, 'text', [], { mappings: 'x', etcd: [] }, { mappings: [{}] }])(
    'that is none (%j) does not make it fail otherwise',
    (value) => {
      expect(importGo(value, 'n').documents).toHaveLength(1)
    },
  )

  test('has its dollars as they are', () => {
    const [{ spec }] = importGo({ s3: { bucket: 'b', namespace: '${x}' } }, 'n').documents
    expect(spec).toMatchObject({ source: { s3: { prefix: '$${x}' } } })
  })
})
