import type { LeafRun } from '../encode/row-group-writer.ts'
import { LeafRows } from './leaf-rows.ts'
import { compareRows } from './row-order.ts'
import type { RowBlock } from './row-sorter.ts'

const rowsAtOnce = 16 * 1024

/** A run of blocks, and how far it was taken. */
interface Cursor {
  /** Of equal rows, those of the earlier run come first. */
  readonly run: number
  readonly blocks: AsyncIterator<RowBlock, void>
  block: RowBlock
  row: number
  /** The first row that was not given out yet. */
  from: number
}

/** Merges runs of blocks whose rows are in order. Holds one block of each. */
export async function* mergeBlocks(
  runs: readonly AsyncIterable<RowBlock, void>[],
): AsyncGenerator<{ readonly rows: number; readonly leaves: readonly (readonly LeafRun[])[] }, void, undefined> {
  const cursors: Cursor[] = []
  for (const [run, iterable] of runs.entries()) {
    const blocks = iterable[Symbol.asyncIterator]()
    const first = await blocks.next()
    if (first.done !== true) cursors.push({ run, blocks, block: first.value, row: 0, from: 0 })
  }
  const heap = [...cursors]
  for (let at = heap.length >> 1; at >= 0; at--) sink(heap, at)
  const taken = { cursors: Array.from<Cursor>({ length: rowsAtOnce }), rows: new Int32Array(rowsAtOnce), count: 0 }
  while (heap.length > 0) {
    const top = heap[0]
    taken.cursors[taken.count] = top
    taken.rows[taken.count++] = top.row++
    const isOver = top.row === top.block.rows
    if (isOver || taken.count === rowsAtOnce) {
      yield gathered(cursors, taken)
      taken.count = 0
    }
    if (isOver) {
      const next = await top.blocks.next()
      if (next.done === true) {
        cursors.splice(cursors.indexOf(top), 1)
        const last = heap.pop()!
        if (last !== top) heap[0] = last
      } else Object.assign(top, { block: next.value, row: 0, from: 0 })
    }
    if (heap.length > 1) sink(heap, 0)
  }
}

/** The rows that were taken, in the order in which they were. */
function gathered(cursors: readonly Cursor[], taken: { cursors: readonly Cursor[]; rows: Int32Array; count: number }) {
  const shifts = new Map<Cursor, number>()
  let rows = 0
  const used = cursors.filter(({ row, from }) => row > from)
  for (const cursor of used) {
    shifts.set(cursor, rows - cursor.from)
    rows += cursor.row - cursor.from
  }
  const order = new Int32Array(rows)
  for (let i = 0; i < rows; i++) order[i] = taken.rows[i] + shifts.get(taken.cursors[i])!
  const leaves = used[0].block.columns.map((_, leaf) => {
    const collected = new LeafRows()
    for (const { block, from, row } of used) {
      const run = block.columns[leaf].range(from, row)
      collected.append(run.values, run, run.isIndexed)
    }
    return [collected.finish(rows).take(order, 0, rows)]
  })
  for (const cursor of used) cursor.from = cursor.row
  return { rows, leaves }
}

/** Restores the heap where the cursor at `at` may be behind those under it. */
function sink(heap: Cursor[], start: number): void {
  for (let at = start; ;) {
    let least = 2 * at + 1
    if (least >= heap.length) return
    if (least + 1 < heap.length && isBefore(heap[least + 1], heap[least])) least++
    if (!isBefore(heap[least], heap[at])) return
    ;[heap[at], heap[least]] = [heap[least], heap[at]]
    at = least
  }
}

function isBefore(a: Cursor, b: Cursor): boolean {
  return (compareRows(a.block.keys, a.row, b.block.keys, b.row) || a.run - b.run) < 0
}
