import { expect, test } from 'vitest'
import { RescueCounts } from '../../../../src/formats/json/rescue-counts.ts'

test('the first 200 paths have counts of their own, what comes up later is counted together', () => {
  const counts = new RescueCounts()
  for (let i = 0; i < 250; i++) counts.addPath(`$['k${i}']`, 2)
  counts.addPath("$['k0']", 1)

  const { paths, otherPaths } = counts.take()
  expect(paths.size).toBe(200)
  expect(paths.get("$['k0']")).toBe(3)
  expect(otherPaths).toBe(100)
})

test('a path as long as a document is not kept to be counted', () => {
  const counts = new RescueCounts()
  counts.addRecord(['$', `$['${'k'.repeat(1_000_000)}']`])
  expect(counts.take()).toEqual({ records: 1, paths: new Map([['$', 1]]), otherPaths: 1 })
})
