import { expect, test } from 'vitest'
import { topicWarnings } from '../../../src/spec/topic-warnings.ts'
import { load, smallest } from './documents.ts'

const warnings = (topics: readonly string[], ...mapped: readonly string[]) => {
  const document = smallest((d) => {
    d.spec.source.topics = topics
    d.spec.mappings = mapped.map((topic) => ({ topic }))
  })
  return topicWarnings(load(document)).map(({ path, message }) => [path, message])
}
const about = (topic: string, hint = '') =>
  `no entry of spec.source.topics can match "${topic}", so that this mapping is about no topic${hint}`

test.each([
  ['a glob where all topics are named', ['orders'], 'odrers-*', '; did you mean orders?'],
  ['a name where all topics are named', ['orders', 'clicks'], 'clics', '; did you mean clicks?'],
  ['a name that no glob matches', ['orders-*', 'x'], 'odrers-eu', ''],
  ['a name that is near to a glob', ['orders-*'], 'orders', '; did you mean orders-*?'],
] as const)('%s is warned of, with its path', (_what, topics, topic, hint) => {
  expect(warnings(topics, topics[0], topic)).toEqual([['spec.mappings[1].topic', about(topic, hint)]])
})

test('a backfill of no topic is warned of, too', () => {
  const document = smallest((d) => {
    d.spec.source.topics = ['orders', 'clicks-*']
    d.spec.backfill = [{ topic: 'orders' }, { topic: 'clicks-eu' }, { topic: 'ordres', from: '2026-01-01T00:00:00Z' }]
  })
  expect(topicWarnings(load(document)).map(({ path, message }) => [path, message])).toEqual([
    ['spec.backfill[2].topic', about('ordres', '; did you mean orders?').replace('mapping', 'backfill')],
  ])
})

test('what may be about a topic is not warned of', () => {
  expect(warnings(['orders', 'clicks-*'], 'orders', 'ord*', '*', 'clicks-eu', 'payments-*', '{a,b}')).toEqual([])
  expect(warnings(['orders'], '{orders,clicks}', 'order[a-z]')).toEqual([])
})
