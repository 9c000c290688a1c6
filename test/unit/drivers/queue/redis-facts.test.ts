import { expect, test } from 'vitest'
import { redisFacts } from '../../../../src/drivers/queue/redis-facts.ts'

test('versions are compared by their numbers, and a policy that is not told is null', () => {
  const facts = (version: string, policy = '') => redisFacts(`# Server\r\nredis_version:${version}\r\nos:Linux\r\n${policy}`)
  expect(facts('7.2.4', 'maxmemory_policy:allkeys-lru\r\n')).toEqual({ version: '7.2.4', isTooOld: false, policy: 'allkeys-lru' })
  expect(['6.2.0', '6.10.1', '10.0.0'].map((version) => facts(version).isTooOld)).toEqual([false, false, false])
  expect(['6.0.16', '5.14.0'].map((version) => facts(version).isTooOld)).toEqual([true, true])
  expect(facts('7.0.0').policy).toBeNull()
})
