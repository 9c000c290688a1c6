import { openThreads, type Threads } from '../../src/compose/threads.ts'
import type { Task } from '../../src/model/task.ts'
import { packTasks } from '../../src/pipeline/plan/pack-tasks.ts'
import { readColumns } from './columns.ts'
import { fileSeams, openWorkload, partOf, segmentsIn, taskOf, type Workload } from './workload.ts'

/** What a pool of warm worker threads did with a topic. */
export interface PoolRun {
  readonly records: number
  /** By the clock on the wall. */
  readonly seconds: number
  /** Of the whole process in that time. */
  readonly cpuSeconds: number
}

/** Tasks at once, as where a document says nothing. */
const parallelism = 4

async function measure(directory: string, warmDirectory: string, columnsFile: string, count: number): Promise<PoolRun> {
  const segments = await segmentsIn(directory)
  const workload = await openWorkload(await readColumns(columnsFile), parallelism, segments[0])
  const threads = openThreads(count)
  try {
    const tasks = packTasks('bench', 'orders', [partOf(segments)], workload.limits.pack)
    // A thread that has nothing to do is given the next task: so many at once warm all of them.
    const warming = taskOf(await segmentsIn(warmDirectory, 'none'))
    await carryOutAll(
      threads,
      workload,
      Array.from({ length: count }, () => warming),
      count,
    )
    const [started, before] = [performance.now(), process.cpuUsage()]
    const records = await carryOutAll(threads, workload, tasks, parallelism)
    const { user, system } = process.cpuUsage(before)
    return { records, seconds: (performance.now() - started) / 1000, cpuSeconds: (user + system) / 1e6 }
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

// A process of its own, with no thread but these.
if (import.meta.main) {
  const [directory, warm, columns, count] = process.argv.slice(2)
  console.log(JSON.stringify(await measure(directory, warm, columns, Number(count))))
}
