import { describe, expect, test } from 'vitest'
import { compareDocuments, documentChanges, restartKeys } from '../../../src/spec/document-changes.ts'
import { everyKey, exampleEnvironment, load, type Plain, smallest } from './documents.ts'

/** `path effect` of each difference that `change` makes. */
function changesOf(change: (document: Plain) => void, base: () => Plain = everyKey): string[] {
  const after = base()
  change(after)
  return documentChanges(load(base(), exampleEnvironment), load(after, exampleEnvironment)).map(({ path, effect }) => `${path} ${effect}`)
}

describe('what differs between two documents', () => {
  test('is nothing where they say the same', () => {
    expect(changesOf(() => undefined)).toEqual([])
  })

  test.each<[string, (document: Plain) => void, string[]]>([
    ['parallelism', ({ spec }) => (spec.processing.parallelism = 3), ['spec.processing.parallelism live']],
    ['a list as a whole', ({ spec }) => spec.source.topics.push('more'), ['spec.source.topics live']],
    ['a secret', ({ spec }) => (spec.sink.catalog.token = 'another'), ['spec.sink.catalog.token live']],
    ['the file of a secret', ({ spec }) => (spec.sink.catalog.token = { file: '/elsewhere' }), ['spec.sink.catalog.token live']],
    ['a key that the user names', ({ spec }) => (spec.sink.catalog.headers.More = 'x'), ['spec.sink.catalog.headers.More live']],
    ['the place of the tables', ({ spec }) => (spec.sink.database = 'elsewhere'), ['spec.sink.database restart']],
    ['a key within one that needs a restart', ({ spec }) => (spec.metrics.address = ':1'), ['spec.metrics.address restart']],
    ['a part that is taken out', ({ spec }) => delete spec.queue, ['spec.queue restart']],
    ['the name', ({ metadata }) => (metadata.name = 'other'), ['metadata.name restart']],
  ])('%s', (_, change, expected) => {
    expect(changesOf(change)).toEqual(expected)
  })

  test('another kind of source needs a restart, whichever key is looked at', () => {
    const changed = changesOf(({ spec }) => {
      delete spec.source.directory
      spec.source.s3 = { bucket: 'bucket' }
    }, smallest)
    expect(changed).toContain('spec.source.s3 restart')
    expect(changed).toContain('spec.source.directory restart')
  })
})

test('documents are known by namespace and name', () => {
  const named = (name: string, parallelism: number) =>
    load(
      smallest((document) => {
        document.metadata.name = name
        document.spec.processing = { parallelism }
      }),
    )
  const { changed, added, removed } = compareDocuments(
    [named('a', 1), named('b', 1), named('c', 1)],
    [named('d', 1), named('b', 2), named('a', 1)],
  )
  expect(changed.map(({ name, changes }) => ({ name, changes }))).toEqual([
    { name: 'default/b', changes: [{ path: 'spec.processing.parallelism', effect: 'live' }] },
  ])
  expect({ added, removed }).toEqual({ added: ['default/d'], removed: ['default/c'] })
})

test('the keys that need a restart name what would be served otherwise: the source, the tables, the fleet', () => {
  expect(restartKeys()).toEqual([
    'metadata.name',
    'metadata.namespace',
    'spec.source.s3.bucket',
    'spec.source.s3.prefix',
    'spec.source.directory',
    'spec.sink.catalog.type',
    'spec.sink.catalog.endpoint',
    'spec.sink.catalog.warehouse',
    'spec.sink.database',
    'spec.queue',
    'spec.metrics',
  ])
})
