import { expect, test } from 'vitest'
import { flameGraph } from '../../bench/flame-graph.ts'
import { callTree, partsOf } from '../../bench/profile.ts'

const frame = (functionName: string, url = '') => ({ functionName, url, scriptId: '0', lineNumber: 0, columnNumber: 0 })
const node = (id: number, callFrame: ReturnType<typeof frame>, children: number[] = []) => ({ id, callFrame, children })

const profile = {
  startTime: 0,
  endTime: 100,
  nodes: [
    node(1, frame('(root)'), [2, 6, 7]),
    node(2, frame('append', 'file:///p/src/formats/json/scan/fast-path.ts'), [3]),
    node(3, frame('level0'), [4, 5]),
    node(4, frame('append', 'file:///p/src/formats/arrow/builders/bytes.ts')),
    node(5, frame('next', 'node:internal/streams')),
    node(6, frame('(garbage collector)')),
    node(7, frame('(idle)')),
  ],
  samples: [2, 3, 4, 5, 6, 7],
  timeDeltas: [1, 2, 4, 8, 16, 32],
}

test('time counts to the part of whoever called, and idle time to nobody', () => {
  expect(partsOf(callTree(profile))).toEqual([
    ['garbage collection', 16],
    ['JSON to columns', 15],
    ['the rest', 0],
  ])
})

test('what Node does between two functions counts to the one that called it', () => {
  const [, append] = callTree(profile).children
  expect(append).toMatchObject({ name: 'append formats/json/scan/fast-path.ts', selfMicros: 1, totalMicros: 15 })
  expect(append.children).toMatchObject([
    { name: 'level0', selfMicros: 10, children: [{ name: 'append formats/arrow/builders/bytes.ts' }] },
  ])
})

test('a flame graph has a bar for each function, the callers below', () => {
  const svg = flameGraph(callTree(profile))
  const height = (name: string) => Number(new RegExp(`<title>${name}.*?y="(\\d+)"`).exec(svg)?.[1])
  expect(svg.match(/<title>/g)).toHaveLength(5)
  expect(height('all')).toBeGreaterThan(height('append formats/json'))
  expect(height('append formats/json')).toBeGreaterThan(height('level0'))
})
