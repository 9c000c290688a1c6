import { describe, expect, test } from 'vitest'
import { loadDocuments } from '../../../src/spec/load.ts'
import { notYet } from '../../../src/spec/not-yet.ts'
import { exampleEnvironment, everyKey, load, missionYaml, smallest } from './documents.ts'
import type { Plain } from './documents.ts'

const refusals = (change: (d: Plain) => void) => notYet(load(smallest(change))).map(({ path, message }) => `${path}: ${message}`)
const rest = { type: 'rest', endpoint: 'http://x' }
const inMapping = (mapping: object) => (d: Plain) => (d.spec.mappings = [{ topic: 'events', ...mapping }])

test('the smallest document asks for nothing that is not there yet', () => {
  expect(notYet(load(smallest()))).toEqual([])
})

test("the mission's document asks for nothing that is not there yet", () => {
  expect(notYet(loadDocuments(missionYaml, 'f', {})[0])).toEqual([])
})

test('all that is there already can be asked for', () => {
  const document = smallest((d) => {
    const access = { region: 'r', endpoint: 'http://x', pathStyle: true, accessKeyId: 'a', secretAccessKey: 'b' }
    d.metadata = { name: 'p', namespace: 'n', labels: { a: 'b' }, annotations: { c: 'd' } }
    d.spec = {
      source: { topics: ['a', 'b-*'], s3: { bucket: 'bucket', prefix: 'x', ...access }, startAt: '2024-01-01T00:00:00Z', graceSeconds: 1 },
      sink: {
        catalog: { ...rest, warehouse: 'w', token: 't', headers: { a: 'b' }, accessDelegation: 'none' },
        storage: access,
        database: 'a.b',
        tables: { properties: { a: 'b' }, location: 's3://x/y', formatVersion: 3, branch: 'audit' },
      },
      processing: { parallelism: 1, commitIntervalSeconds: 1, targetFileSizeBytes: 2 ** 20, memoryLimitBytes: 2 ** 30 },
      mappings: [
        {
          topic: 'b-*',
          table: 't',
          mode: 'append',
          key: { format: 'string' },
          value: { format: 'string' },
          kafkaColumns: { topic: 'x', headers: null },
          rescueColumn: '_rescued',
          partitionBy: ['value'],
          sortBy: ['value desc'],
          evolution: 'off',
          onError: 'skip',
          compat: 'none',
        },
        { topic: 'c', value: { format: 'binary' } },
        {
          topic: 'd',
          value: { format: 'json', columns: [{ name: 'e', type: 'time', path: '$.f.g', required: true, unit: 'ms' }] },
          rescueColumn: 'rest',
        },
      ],
    }
  })
  expect(notYet(load(document))).toEqual([])
})

describe('what is not there yet is named, with what works instead', () => {
  test.each<[(d: Plain) => void, ...string[]]>([
    [inMapping({ mode: 'upsert' }), 'spec.mappings[0].mode: upsert is not available yet; append works'],
    [
      inMapping({ value: { format: 'avro' } }),
      'spec.mappings[0].value.format: avro is not available yet; auto, json, string and binary work',
    ],
    [
      inMapping({ value: { format: 'protobuf', registry: { url: 'http://x' } } }),
      'spec.mappings[0].value.format: protobuf is not available yet; auto, json, string and binary work',
      'spec.mappings[0].value.registry: not available yet; leave it out: the value is kept whole',
    ],
    [inMapping({ evolution: 'additive' }), 'spec.mappings[0].evolution: additive is not available yet; off works'],
    [inMapping({ evolution: 'contract' }), 'spec.mappings[0].evolution: contract is not available yet; off works'],
    [inMapping({ onError: 'deadLetter' }), 'spec.mappings[0].onError: deadLetter is not available yet; stop and skip work'],
  ])('%#', (change, ...problems) => {
    expect(refusals(change)).toEqual(problems)
  })

  test('each thing in a document with every key once', () => {
    const paths = notYet(load(everyKey(), exampleEnvironment)).map(({ path }) => path)
    expect(paths.length).toBeGreaterThan(0)
    expect(new Set(paths).size).toBe(paths.length)
  })
})
