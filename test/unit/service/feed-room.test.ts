import { expect, test } from 'vitest'
import { holdsMuch, isFull } from '../../../src/service/feed/feed-room.ts'

const bounds = { maxTasksInFlight: 4, maxUncommittedTasks: 10, maxUncommittedBytes: 1000 }
const some = (count: number, bytes = 1) => Array.from({ length: count }, () => ({ bytes }))

test('there is room until as many tasks are under way as workers will take', () => {
  expect(isFull({ tasks: some(3), waiting: [], commitsFail: false }, bounds)).toBe(false)
  expect(isFull({ tasks: some(4), waiting: [], commitsFail: false }, bounds)).toBe(true)
})

test('results that wait for their interval leave room, those that can not be committed leave little', () => {
  expect(isFull({ tasks: some(1), waiting: some(8), commitsFail: false }, bounds)).toBe(false)
  expect(isFull({ tasks: some(1), waiting: some(9), commitsFail: false }, bounds)).toBe(true)
  expect(isFull({ tasks: some(1), waiting: some(2), commitsFail: true }, bounds)).toBe(false)
  expect(isFull({ tasks: some(1), waiting: some(3), commitsFail: true }, bounds)).toBe(true)
})

test('what was read is much by its number or its bytes, those under way with it', () => {
  expect(holdsMuch({ tasks: some(1, 400), waiting: some(1, 599), commitsFail: false }, bounds)).toBe(false)
  expect(holdsMuch({ tasks: some(1, 400), waiting: some(1, 600), commitsFail: false }, bounds)).toBe(true)
  expect(holdsMuch({ tasks: [], waiting: some(10), commitsFail: false }, bounds)).toBe(true)
})
