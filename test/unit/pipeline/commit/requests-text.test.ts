import { describe, expect, test } from 'vitest'
import { isEmpty, noRequests, withAccepted, withPaused, withResumed } from '../../../../src/model/requests.ts'
import { decodeRequests, encodeRequests } from '../../../../src/pipeline/commit/requests-text.ts'

describe('requests', () => {
  test('are topics, snapshot ids and a sequence number, and what asks nothing is left out', () => {
    const asked = { ...withAccepted(withPaused(noRequests, ['b', 'a', 'b']), [9_223_372_036_854_775_807n, 5n]), abandonedUpTo: 7n }
    const text = '{"pause":["a","b"],"accept":["5","9223372036854775807"],"abandonedUpTo":"7"}'
    expect(encodeRequests(asked)).toBe(text)
    expect(decodeRequests(text, 'here')).toEqual(asked)
    expect(encodeRequests(noRequests)).toBe('{}')
    expect(decodeRequests('{}', 'here')).toEqual(noRequests)
  })

  test('of a newer version are kept as they are when the others are rewritten', () => {
    const newer = '{"pause":["a"],"forecast":[{"topic":"a","from":9223372036854775807}],"__proto__":{"x":1}}'
    const asked = withResumed(decodeRequests(newer, 'here'), ['a'])
    expect(encodeRequests(asked)).toBe('{"forecast":[{"topic":"a","from":9223372036854775807}],"__proto__":{"x":1}}')
    expect(isEmpty(asked)).toBe(false)
  })

  test.each([
    ['[]', 'here: expected an object, found a list'],
    ['{"pause":"a"}', 'here: pause: expected a list, found a string'],
    ['{"pause":[1]}', 'here: pause[0]: expected a string, found a number'],
    ['{"accept":[5]}', 'here: accept[0]: expected a string, found a number'],
    ['{"accept":["5","0x5"]}', 'here: accept[1]: expected a number in decimal'],
    ['{"abandonedUpTo":7}', 'here: abandonedUpTo: expected a string, found a number'],
    ['{', 'here is not JSON: it ends too early, after 1 characters'],
  ])('that can not be read are refused with their place: %s', (text, message) => {
    expect(() => decodeRequests(text, 'here')).toThrow(new Error(message))
  })

  test('are the same however often the same is asked', () => {
    const once = withPaused(noRequests, ['a'])
    expect(withPaused(once, ['a'])).toEqual(once)
    expect(withResumed(withResumed(once, ['a']), ['a', 'b'])).toEqual(noRequests)
    expect(isEmpty(withResumed(once, ['a']))).toBe(true)
  })
})
