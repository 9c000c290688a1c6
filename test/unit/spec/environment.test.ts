import { describe, expect, test } from 'vitest'
import { expandEnvironment } from '../../../src/spec/environment.ts'
import { load, problemsOf, smallest } from './documents.ts'

const expanded = (value: unknown, environment: Record<string, string | undefined>) => expandEnvironment(value, environment).value

describe('environment variables', () => {
  test.each([
    ['${A}', 'one'],
    ['x-${A}-${B_2}-y', 'x-one-two-y'],
    ['$${A}', '${A}'],
    ['$$${A}', '$${A}'],
    ['$A {A} $ $$', '$A {A} $ $$'],
    ['${C}', '${A}'],
    ['${EMPTY}', ''],
  ])('%j stands for %j', (text, value) => {
    expect(expanded({ list: [text] }, { A: 'one', B_2: 'two', C: '${A}', EMPTY: '' })).toEqual({ list: [value] })
  })

  test('what a variable holds is never read as YAML', () => {
    const document = smallest((d) => (d.spec.source.directory = '${DIRECTORY}'))
    expect(load(document, { DIRECTORY: 'x\nstartAt: latest # "' }).spec.source).toMatchObject({
      directory: 'x\nstartAt: latest # "',
      startAt: 'earliest',
    })
  })

  test('keys, labels and annotations stay as they are', () => {
    const document = smallest((d) => {
      d.metadata.annotations = { last: '${UNSET}' }
      d.spec.sink = { tables: { properties: { '${A}': '${A}' } } }
    })
    expect(load(document, { A: 'one' })).toMatchObject({
      metadata: { annotations: { last: '${UNSET}' } },
      spec: { sink: { tables: { properties: { '${A}': 'one' } } } },
    })
  })

  test('a variable that is not set is named, and nothing else is said about its place', () => {
    const document = smallest((d) => {
      d.spec.processing = { parallelism: '${TASKS}' }
      d.spec.source.topics = ['${ONE}-${TWO}', '${toString}']
    })
    expect(problemsOf(document, { ONE: 'x' })).toEqual([
      'spec.source.topics[0]: expected environment variable TWO to be set, and it is not',
      'spec.source.topics[1]: expected environment variable toString to be set, and it is not',
      'spec.processing.parallelism: expected environment variable TASKS to be set, and it is not',
    ])
  })

  test.each(['${', '${}', '${a-b}', '${1}', 'x${A', '$${A} ${'])('%j is refused', (text) => {
    expect(
      problemsOf(
        smallest((d) => (d.spec.source.directory = text)),
        { A: 'x' },
      ),
    ).toEqual([
      'spec.source.directory: expected a variable as ${NAME} after a dollar sign and a brace; for these two characters themselves, write $${',
    ])
  })

  test('one variable and nothing else may stand where a number, a boolean or a word is expected', () => {
    const document = smallest((d) => {
      d.spec.source = { topics: ['a'], s3: { bucket: 'bucket', pathStyle: '${YES}' }, graceSeconds: '${GRACE}' }
      d.spec.processing = { parallelism: '${TASKS}' }
      d.spec.sink = { tables: { formatVersion: '${THREE}' } }
      d.spec.mappings = [{ topic: 'a', onError: '${ERROR}' }]
    })
    const { spec } = load(document, { YES: 'true', GRACE: '0.5', TASKS: '08', THREE: '3', ERROR: 'skip' })
    expect(spec.source).toMatchObject({ s3: { pathStyle: true }, graceSeconds: 0.5 })
    expect(spec.processing.parallelism).toBe(8)
    expect(spec.sink.tables.formatVersion).toBe(3)
    expect(spec.mappings[0].onError).toBe('skip')
  })

  test('digits stay a string where a string is expected, and in part of a string', () => {
    expect(
      load(
        smallest((d) => (d.spec.source.directory = '${N}')),
        { N: '5' },
      ).spec.source.directory,
    ).toBe('5')
    const document = smallest((d) => (d.spec.processing = { parallelism: '${N}0' }))
    expect(problemsOf(document, { N: '5' })).toEqual([
      'spec.processing.parallelism: expected a whole number from 1 to 10000, found what "${N}0" stands for',
    ])
  })

  test('what came from the environment is not quoted', () => {
    const document = smallest((d) => {
      d.spec.processing = { parallelism: '${A}', targetFileSizeBytes: '${B}' }
      d.spec.sink = { catalog: { type: '${A}' } }
      d.spec.mappings = [{ topic: '${C}' }]
    })
    expect(problemsOf(document, { A: 'hidden', B: '5', C: 'hid den' })).toEqual([
      'spec.processing.parallelism: expected a whole number from 1 to 10000, found what "${A}" stands for',
      'spec.processing.targetFileSizeBytes: expected a whole number of at least 1048576, found what "${B}" stands for',
      'spec.sink.catalog.type: expected unity, polaris, glue, s3tables, rest or sql, found what "${A}" stands for',
      'spec.mappings[0].topic: expected a topic\'s name or glob, found what "${C}" stands for',
    ])
  })
})
