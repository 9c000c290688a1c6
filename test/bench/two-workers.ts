import { openThreads, type Threads } from '../../src/compose/threads.ts'
import type { SegmentRef } from '../../src/model/segment.ts'
import type { Task } from '../../src/model/task.ts'
import { readColumns } from './columns.ts'
import { fileSeams, openWorkload, segmentsIn, taskOf, type Workload } from './workload.ts'

/** What a pool of warm worker threads did with a topic. */
export interface PoolRun {
  readonly records: number
  /** By the clock on the wall. */
  readonly seconds: number
}

/** What the service takes for a task of its own at least. */
const taskBytes = 16 * 1024 * 1024
/** So that a thread need not wait for the next task's first segment. */
const tasksPerThread = 2

async function measure(directory: string, warmDirectory: string, columnsFile: string, count: number): Promise<PoolRun> {
  const segments = await segmentsIn(directory)
  const workload = await openWorkload(await readColumns(columnsFile), segments[0])
  const threads = openThreads(count)
  try {
    // A thread that has nothing to do is given the next task: so many at once warm all of them.
    const warming = taskOf(await segmentsIn(warmDirectory, 'none'))
    await carryOutAll(
      threads,
      workload,
      Array.from({ length: count }, () => warming),
      count,
    )
    const started = performance.now()
    const records = await carryOutAll(threads, workload, tasksOf(segments), count * tasksPerThread)
    return { records, seconds: (performance.now() - started) / 1000 }
  } finally {
    await threads.close()
  }
}

/** Carries tasks out, so many at once; returns their rows. */
async function carryOutAll(threads: Threads, { target, limits }: Workload, tasks: readonly Task[], atOnce: number): Promise<number> {
  const { seams } = fileSeams()
  const left = tasks.values()
  let rows = 0
  const lane = async () => {
    for (const task of left) {
      const { parts } = await threads.carryOut(task, target, limits, seams)
      rows += parts[0].counts.rows
    }
  }
  await Promise.all(Array.from({ length: atOnce }, lane))
  return rows
}

function tasksOf(segments: readonly SegmentRef[]): Task[] {
  const tasks: Task[] = []
  let group: SegmentRef[] = []
  for (const [i, segment] of segments.entries()) {
    group.push(segment)
    const task = taskOf(group)
    if (task.bytes < taskBytes && i < segments.length - 1) continue
    tasks.push(task)
    group = []
  }
  return tasks
}

// A process of its own, with no thread but these.
if (import.meta.main) {
  const [directory, warm, columns, count] = process.argv.slice(2)
  console.log(JSON.stringify(await measure(directory, warm, columns, Number(count))))
}
