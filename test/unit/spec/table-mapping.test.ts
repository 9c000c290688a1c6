import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { claimsOf, mappingFor, settleClaims, tablesFor } from '../../../src/spec/table-mapping.ts'
import { normalizeName } from '../../../src/spec/table-name.ts'
import { isGlob, matchTopics, topicPattern } from '../../../src/spec/topic-glob.ts'
import { errorOf, load, smallest } from './documents.ts'

const withMappings = (...mappings: object[]) =>
  load(
    smallest((d) => {
      d.spec.source.topics = ['*']
      d.spec.mappings = mappings
    }),
  )

describe('topics', () => {
  test.each([
    ['a.b', ['a.b'], ['axb', 'a.b.c', 'A.b']],
    ['a.*', ['a.', 'a.b', 'a..', 'a.b.c'], ['a', 'axb', 'ab']],
    ['*', ['a', '.hidden', '..a', '__consumer_offsets', '-x'], []],
    ['orders-?', ['orders-1', 'orders-.'], ['orders-', 'orders-12', 'orders']],
    ['[a-c]x', ['ax', 'cx'], ['dx', 'x']],
    ['[!a-c]x', ['dx', '.x'], ['ax', 'x']],
    ['{a,b-*}.x', ['a.x', 'b-.x', 'b-1.x'], ['b.x', 'ax']],
    ['a{,-dead}', ['a', 'a-dead'], ['a-']],
    ['*.events.v[0-9]', ['shop.events.v1', '.events.v1', 'a.b.events.v9'], ['shop.events.v', 'shop-events.v1']],
  ])('%s', (pattern, yes, no) => {
    expect(matchTopics([topicPattern(pattern)], [...yes, ...no])).toEqual(yes)
  })

  test('a name matches itself and nothing else', () => {
    const name = fc.stringMatching(/^[A-Za-z0-9._-]{1,12}$/).filter((text) => text !== '.' && text !== '..')
    fc.assert(
      fc.property(name, name, (one, other) => {
        expect(isGlob(topicPattern(one))).toBe(false)
        expect(matchTopics([one], [one, other])).toEqual(one === other ? [one, other] : [one])
        expect(matchTopics(['*'], [one])).toEqual([one])
        expect(matchTopics([`${one}*`], [one, `${one}x`, `y${one}`.slice(0, 1) + '/'])).toEqual([one, `${one}x`])
      }),
    )
  })

  test.each([
    '',
    '.',
    '..',
    'a/b',
    'a b',
    'é',
    'a\\*',
    '!a',
    '+(a)',
    'a{',
    'a}',
    '{a}',
    '{1..3}',
    '[',
    '[]',
    '[a',
    'a,b',
    '(a|b)',
    'x'.repeat(250),
  ])('%.20j is refused', (text) => {
    expect(() => topicPattern(text)).toThrow(expect.objectContaining({ name: 'FormError' }) as Error)
  })
})

test.each([
  ['events', 'events'],
  ['Orders-EU.v1', 'orders_eu_v1'],
  ['1st', 't_1st'],
  ['.x', '_x'],
  ['_1', '_1'],
  ['ÄÖ😀İ', '____'],
])('topic %s goes into table %s', (topic, table) => {
  expect(mappingFor(withMappings(), topic).table).toBe(topic === 'ÄÖ😀İ' ? normalizeName(topic) : table)
})

describe('mappings', () => {
  test('the first that matches counts', () => {
    const document = withMappings(
      { topic: 'orders-eu', table: 'eu' },
      { topic: 'orders-*', table: 'orders', onError: 'skip' },
      { topic: '*', key: { format: 'string' } },
    )
    expect(mappingFor(document, 'orders-eu')).toMatchObject({ table: 'eu', onError: 'stop', key: { format: 'binary' }, tableByRule: false })
    expect(mappingFor(document, 'orders-us')).toMatchObject({ table: 'orders', onError: 'skip', tableByRule: false })
    expect(mappingFor(document, 'Clicks')).toMatchObject({ table: 'clicks', onError: 'stop', key: { format: 'string' }, tableByRule: true })
    expect(mappingFor(document, 'Clicks')).not.toHaveProperty('topic')
  })

  test('a topic that none matches gets the defaults', () => {
    expect(mappingFor(withMappings(), 'a')).toMatchObject({
      mode: 'append',
      value: { format: 'auto' },
      onError: 'stop',
      rescueColumn: '_rescued',
    })
  })

  test('tables have the topics of one mapping, and of mappings that say the same', () => {
    const document = withMappings({ topic: 'orders-*', table: 'orders' }, { topic: 'returns', table: 'orders' })
    const tables = tablesFor(document, ['orders-b', 'x', 'returns', 'orders-a', 'x'])
    expect([...tables].map(([name, { topics }]) => [name, topics])).toEqual([
      ['orders', ['orders-b', 'returns', 'orders-a']],
      ['x', ['x']],
    ])
    expect(tables.get('orders')!.mapping.table).toBe('orders')
  })

  test.each([
    [
      'the default rule',
      [],
      ['a.b', 'c', 'a_b'],
      'topics a.b and a_b meet in table a_b; expected a mapping that names a table for each of them (the same one where that is meant)',
    ],
    [
      'case',
      [],
      ['Events', 'events'],
      'topics Events and events meet in table events; expected a mapping that names a table for each of them (the same one where that is meant)',
    ],
    [
      'the default rule and a mapping',
      [{ topic: 'orders-*', table: 'orders' }],
      ['orders', 'orders-1'],
      'topics orders and orders-1 meet in table orders; expected a mapping that names a table for each of them (the same one where that is meant)',
    ],
    [
      'mappings that differ',
      [
        { topic: 'a', table: 't' },
        { topic: 'b', table: 't', key: { format: 'string' } },
      ],
      ['a', 'b'],
      'topics a and b meet in table t; expected the same settings in both mappings',
    ],
    [
      'names that differ in case',
      [
        { topic: 'a', table: 't' },
        { topic: 'b', table: 'T' },
      ],
      ['a', 'b'],
      'topics a and b meet in table t; expected names that differ in more than case, found t and T',
    ],
  ])('two topics that meet in one table by %s are refused', (_by, mappings, topics, message) => {
    const error = errorOf(() => tablesFor(withMappings(...mappings), topics))
    expect(error.problems).toEqual([{ document: 'p', path: 'spec.mappings', message }])
    expect(error.message).toBe(`document p: spec.mappings: ${message}`)
  })

  describe('of several claims to a table', () => {
    const claims = claimsOf(withMappings({ topic: 'm*', table: 'a_b' }), ['a.b', 'm1', 'c', 'a_b', 'm2'])

    test('topics that may share it are one', () => {
      expect(claims.map((rivals) => rivals.map(({ topics }) => topics))).toEqual([[['a.b'], ['m1', 'm2'], ['a_b']], [['c']]])
    })

    test.each([
      [['m2'], ['m1', 'm2'], ['a.b', 'a_b'], 'the table goes on with m1, m2 alone: a.b, a_b left out'],
      [[], undefined, ['a.b', 'm1', 'm2', 'a_b'], 'none of them goes into it: a.b, m1, m2 and 1 more left out'],
      [['a.b', 'm1'], undefined, ['a.b', 'm1', 'm2', 'a_b'], 'none of them goes into it'],
    ])('where the table has rows of %j, %j go on', (held, fed, out, words) => {
      const { tables, leftOut } = settleClaims(claims, ({ topics }) => topics.some((topic) => held.includes(topic)))
      expect(tables.get('a_b')?.topics).toEqual(fed)
      expect(tables.get('c')?.topics).toEqual(['c'])
      expect(leftOut).toMatchObject([{ table: 'a_b', topics: out, reason: expect.stringContaining(words) }])
    })
  })
})
