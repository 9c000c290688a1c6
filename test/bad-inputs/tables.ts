import { virtualClock } from '../../src/drivers/clock/virtual.ts'
import { restCatalog } from '../../src/drivers/catalog/rest.ts'
import { seededEntropy, seededRandom } from '../../src/drivers/entropy/seeded.ts'
import { countingMeter } from '../../src/drivers/meter/counting.ts'
import { openDirectoryStore } from '../../src/drivers/store/directory.ts'
import { openS3Store } from '../../src/drivers/store/s3.ts'
import { uriFiles } from '../../src/drivers/io/uri-files.ts'
import { newTable } from '../../src/pipeline/commit/new-table.ts'
import { encodeProgress } from '../../src/pipeline/commit/progress-text.ts'
import { resolveLayout } from '../../src/pipeline/commit/resolve-layout.ts'
import { summaryKeys } from '../../src/pipeline/commit/summary-keys.ts'
import { findTableState } from '../../src/pipeline/commit/table-state.ts'
import { parquetOptions } from '../../src/pipeline/write/parquet-options.ts'
import type { TableMetadata } from '../../src/formats/iceberg/table-metadata.ts'
import { mappingFor } from '../../src/spec/table-mapping.ts'
import { errorBody, restServer, type StandIn } from '../unit/drivers/catalog/rest-server.ts'
import { pausesOf, s3Error, scriptedS3, type ScriptedAnswer } from '../unit/drivers/store/scripted-s3.ts'
import { at, batch } from '../unit/service/segments.ts'
import { decided, foreign, ours, tableWith } from '../unit/pipeline/commit/tables.ts'
import { world } from '../unit/service/world.ts'
import { type BadInput, cases, thrownBy } from './case.ts'

const mapping = mappingFor({ spec: { mappings: [] } }, 'orders')
const request = newTable(mapping, {
  value: { format: 'binary' },
  properties: {},
  formatVersion: 2,
  profile: { propertiesInCommit: true, forbiddenProperties: [] },
})
const created = tableWith([], { schemas: [request.schema], properties: request.properties })
const others = { ...created, properties: {} }
const fieldsChanged = (change: (fields: typeof request.schema.fields) => typeof request.schema.fields): TableMetadata => ({
  ...others,
  schemas: [{ ...request.schema, fields: change(request.schema.fields) }],
})

const continued = (metadata: TableMetadata) => () => thrownBy(() => resolveLayout('analytics.orders', metadata, mapping))
const found = (metadata: TableMetadata) => () => thrownBy(() => findTableState('analytics.orders', metadata, async () => null))
const inList = ours(1, null, decided(), { [summaryKeys.progressIn]: 'manifest-list' })
const { [summaryKeys.progress]: _inline, ...listSummary } = inList.summary

const stops = 'The table stops; other tables go on. It is looked at again after five minutes; `--once` ends with exit code 1.'

export const tableCases: BadInput[] = cases('tables', stops, [
  ['another format version', continued({ ...created, 'format-version': 1 })],
  [
    'a partition transform that is not known',
    continued({
      ...created,
      'partition-specs': [{ 'spec-id': 0, fields: [{ 'source-id': 4, 'field-id': 1000, name: 'curve', transform: 'zorder[3]' }] }],
    }),
  ],
  ['a missing column', continued(fieldsChanged((fields) => fields.filter(({ name }) => name !== 'kafka_offset')))],
  [
    'a column of another type',
    continued(fieldsChanged((fields) => fields.map((field) => (field.name === 'kafka_offset' ? { ...field, type: 'int' } : field)))),
  ],
  [
    'a required column that is not ours',
    continued(fieldsChanged((fields) => [...fields, { id: 99, name: 'note', required: true, type: 'string' }])),
  ],
  [
    'another choice than the one that was stored',
    () => thrownBy(() => resolveLayout('analytics.orders', created, { ...mapping, key: { format: 'string' } })),
  ],
  ['a stored choice that can not be read', continued({ ...created, properties: { [summaryKeys.layout]: '{' } })],
  ['a codec that is not known', () => thrownBy(() => parquetOptions({ 'write.parquet.compression-codec': 'lzo' }))],
  ['progress of a newer version', found(tableWith([ours(1, null, decided(), { [summaryKeys.version]: '4' })]))],
  ['progress that is none', found(tableWith([ours(1, null, decided(), { [summaryKeys.progress]: '[1]' })]))],
  ['a manifest list with progress that can not be read', found(tableWith([{ ...inList, summary: listSummary }]))],
  ['a table that was rolled back', found(tableWith([ours(1, null, decided([0, 5])), ours(2, 1, decided([0, 9]))], { current: 1 }))],
  [
    'a table that was replaced',
    found(tableWith([foreign(1, null)], { properties: { [summaryKeys.progress]: encodeProgress(decided([0, 5])) } })),
  ],
  ['history and the copy of the progress both gone', found(tableWith([foreign(9, 8)], { properties: { [summaryKeys.layout]: '{}' } }))],
])

/** What the log says when each commit is answered so. */
async function committing(answer: 'conflict' | 'refused'): Promise<string> {
  const w = world()
  await w.write(at, 0n, [batch(0n, 2)])
  w.faults.catalog = ({ kind }) => (kind === 'commit' && answer === 'conflict' ? 'conflict' : 'none')
  const catalog = { ...w.catalog, commitTable: async () => ({ kind: 'refused', reason: 'the role may not write' }) as const }
  await w.clock.run(() => w.processor(undefined, answer === 'refused' ? { catalog } : {}).run(true, new AbortController().signal))
  return (w.linesOf('error')[0].fields.error as Error).message
}

async function asked(standIn: StandIn): Promise<string> {
  const server = await restServer({ standIn: ({ path }) => (path.startsWith('/v1/config') ? undefined : standIn) })
  let nowMs = 0
  const clock = {
    now: () => nowMs,
    sleep: async (ms: number) => {
      nowMs += ms
    },
  }
  const catalog = restCatalog({ endpoint: server.endpoint, clock })
  try {
    return await thrownBy(() => catalog.loadTable({ namespace: ['analytics'], name: 'orders' }))
  } finally {
    await catalog.close()
    await server.close()
  }
}

export const catalogCases: BadInput[] = [
  ...cases(
    'catalogs',
    'Tried again, then with pauses of up to a minute; `--once` gives up after five failures in a row, with exit code 1.',
    [
      ['commits that always meet a conflict', () => committing('conflict')],
      ['a commit that is refused', () => committing('refused')],
      ['a server that fails', () => asked({ status: 500, body: errorBody(500, 'ServerError', 'out of order') })],
    ],
  ),
  ...cases('catalogs', stops, [
    ['a token that is not accepted', () => asked({ status: 401, body: errorBody(401, 'NotAuthorized', 'no such token') })],
    ['an answer that is no JSON', () => asked({ status: 200, body: '<html>' })],
  ]),
]

async function fromBucket(answer: ScriptedAnswer): Promise<string> {
  const server = await scriptedS3(() => answer)
  const clock = pausesOf()
  const credentials = () => ({ accessKeyId: 'KNOWN', secretAccessKey: 'secret' })
  const store = openS3Store(
    { bucket: 'lake', region: 'eu-west-1', endpoint: server.endpoint, pathStyle: true, credentials, maxSockets: 2 },
    { clock, entropy: seededEntropy(seededRandom(1), clock), meter: countingMeter() },
  )
  try {
    return await thrownBy(() => store.get('orders/0/segment-00000000000000000000.kfs'))
  } finally {
    await store.close()
    await server.close()
  }
}

async function missingDirectory(): Promise<string> {
  const clock = virtualClock()
  return thrownBy(() => openDirectoryStore({ root: 'missing', create: false }, { clock, entropy: seededEntropy(seededRandom(1), clock) }))
}

export const storeCases: BadInput[] = [
  ...cases('stores', 'The program ends with exit code 1.', [['a directory that is not there', missingDirectory]]),
  ...cases('stores', 'The partition stops when a segment is meant; a table when its files are.', [
    ['access that is denied', () => fromBucket(s3Error(403, 'AccessDenied'))],
    ['a bucket that is not there', () => fromBucket(s3Error(404, 'NoSuchBucket'))],
    ['an object that is archived', () => fromBucket(s3Error(403, 'InvalidObjectState'))],
  ]),
  ...cases('stores', 'Tried again, then with pauses of up to a minute; `--once` gives up after five failures in a row, with exit code 1.', [
    ['a store that fails', () => fromBucket(s3Error(500, 'InternalError'))],
  ]),
  ...cases('stores', stops, [
    [
      'a table whose files lie elsewhere',
      () => thrownBy(() => uriFiles(async () => Promise.reject(new Error('not opened'))).read('gs://lake/a.parquet')),
    ],
  ]),
]
