import { Ajv } from 'ajv'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { fieldTable } from '../../../src/spec/field-table.ts'
import { documentPage, fieldTableText, schemaText } from '../../../src/spec/generated.ts'
import { publishedSchema } from '../../../src/spec/json-schema.ts'
import { loadDocuments } from '../../../src/spec/load.ts'
import { everyKey, exampleEnvironment, exampleNames, exampleText, smallest } from './documents.ts'
import type { Plain } from './documents.ts'

const validate = new Ajv({ strict: true, allowUnionTypes: true }).compile(publishedSchema())
const wrong = (change: (d: Plain) => void) => {
  validate(smallest(change))
  return (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message}`)
}

const committed = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')
const field = (path: string) => fieldTable().find((one) => one.path === path)

describe('the generated files', () => {
  test('are those that `node schemas/generate.ts` writes', () => {
    expect(committed('schemas/iceberg-processor.schema.json')).toBe(schemaText())
    expect(committed('docs/document.md')).toBe(documentPage())
  })
})

describe('the examples', () => {
  test('are all there', () => {
    expect(exampleNames.sort()).toEqual(['directory.yaml', 'every-key.yaml', 'redis-sentinel.yaml', 'several.yaml', 'unity.yaml'])
  })

  test.each(exampleNames)('%s is accepted by the loader and by the JSON Schema', (name) => {
    expect(loadDocuments(exampleText(name), name, exampleEnvironment).length).toBeGreaterThan(0)
    for (const document of parseAllDocuments(exampleText(name))) {
      validate(document.toJS())
      expect(validate.errors).toBeNull()
    }
  })

  test('one of them has every key', () => {
    const missing = fieldTable().filter(({ path }) => {
      let values: unknown[] = [everyKey()]
      for (const step of path.split('.')) {
        values = values.map((value) => (value as Plain)[step.replace('[]', '')] as unknown).filter((value) => value !== undefined)
        if (step.endsWith('[]')) values = values.flat()
      }
      return values.length === 0
    })
    // What stands instead of another key.
    const instead = ['spec.source.directory', 'spec.queue.sentinel', 'spec.queue.cluster']
    expect(missing.map(({ path }) => path).filter((path) => !instead.some((key) => path === key || path.startsWith(`${key}.`)))).toEqual([])
  })
})

describe('the JSON Schema', () => {
  test('refuses unknown and missing keys and wrong types', () => {
    expect(wrong(() => {})).toEqual([])
    expect(wrong((d) => (d.spec.foo = 1))).toEqual(['/spec must NOT have additional properties'])
    expect(wrong((d) => delete d.spec.source.topics)).toEqual(["/spec/source must have required property 'topics'"])
    expect(wrong((d) => (d.spec.source.topics = 'a'))).toEqual(['/spec/source/topics must be array'])
    expect(wrong((d) => (d.spec.mappings = [{ topic: 'a', mode: 'merge' }])).length).toBeGreaterThan(0)
    expect(wrong((d) => (d.spec.processing = { parallelism: 0 })).length).toBeGreaterThan(0)
    expect(wrong((d) => (d.spec.processing = { parallelism: '4' })).length).toBeGreaterThan(0)
    expect(wrong((d) => (d.spec.mappings = [{ topic: 'a', kafkaColumns: { offset: null } }]))).toEqual([
      '/spec/mappings/0/kafkaColumns/offset must be string',
    ])
  })

  test('takes ${NAME} where a number, a word or a boolean is expected, and both forms of a secret', () => {
    const s3 = { bucket: 'bucket', pathStyle: '${A}', accessKeyId: 'a', secretAccessKey: { file: 'b' } }
    expect(
      wrong((d) => (d.spec = { source: { topics: ['a'], s3 }, processing: { parallelism: '${A}' }, sink: { catalog: { type: '${A}' } } })),
    ).toEqual([])
    expect(wrong((d) => (d.spec.sink = { catalog: { token: { file: 1 } } })).length).toBeGreaterThan(0)
    expect(wrong((d) => (d.spec.sink = { catalog: { token: { path: 'x' } } })).length).toBeGreaterThan(0)
  })

  test('holds nothing but draft 7', () => {
    expect(schemaText()).not.toMatch(/"(later|instead)":/)
  })
})

describe('the table of keys', () => {
  test('says something about every key', () => {
    const fields = fieldTable()
    expect(fields.length).toBeGreaterThan(100)
    expect(fields.filter(({ description, type }) => description === '' || type === '').map(({ path }) => path)).toEqual([])
    expect(new Set(fields.map(({ path }) => path)).size).toBe(fields.length)
  })

  test('has type, default and what is not available yet', () => {
    expect(field('spec.mappings[].onError')).toMatchObject({
      type: 'stop | skip | deadLetter',
      default: '"stop"',
      availability: 'not yet: deadLetter',
    })
    expect(field('spec.source.etcd.password')).toMatchObject({ type: 'secret', default: '', availability: 'now' })
    expect(field('spec.sink.catalog.headers')).toMatchObject({ type: 'mapping to secrets', availability: 'now' })
    expect(field('spec.mappings[].kafkaColumns.key')).toMatchObject({ type: 'string | null', default: '"kafka_key"' })
    expect(field('metadata.name')).toMatchObject({ default: 'required' })
  })

  test('is Markdown with five columns', () => {
    for (const line of fieldTableText().trimEnd().split('\n')) expect(line.match(/(?<!\\)\|/g)).toHaveLength(6)
  })
})
