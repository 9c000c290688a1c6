import type { Task } from '../../model/task.ts'
import { type TopicPartition, topicPartitionName } from '../../model/topic-partition.ts'
import { withDecided } from '../../model/progress.ts'
import type { Journal, JournalFields } from '../../seams/journal.ts'
import type { Meter } from '../../seams/meter.ts'
import type { ObjectStore } from '../../seams/object-store.ts'
import type { TableState } from '../../pipeline/commit/table-state.ts'
import { type PlannerOptions, TailPlanner } from '../feed/planner.ts'

/** What there is to do now in the tail of a table. */
export interface TailOutlook {
  readonly segments: number
  readonly bytes: number
  readonly tasks: number
  /** Topic-partitions whose start would be committed first. */
  readonly starts: number
  /** Each topic-partition with something to do. */
  readonly partitions: readonly PartitionWork[]
  /** Topic-partitions that would not go on. */
  readonly stops: readonly PartitionNote[]
  /** What is odd in the source, and stops nothing. */
  readonly notes: readonly PartitionNote[]
  /** Milliseconds until something that waits for its grace age may be ready; null where nothing waits. */
  readonly readyInMs: number | null
}

export interface PartitionWork {
  readonly topic: string
  readonly partition: number
  readonly segments: number
  readonly bytes: number
}

export interface PartitionNote {
  readonly topic: string
  readonly partition: number
  readonly message: string
}

/** Notes that are kept; a bucket may have any number of oddities. */
const maxNotes = 1000

/**
 * Plans the whole tail as a run would, round by round, and counts what comes of it; what is held is one round. Nothing is carried out.
 * Throws what the store throws.
 */
export async function tailOutlook(
  partitions: readonly TopicPartition[],
  state: TableState,
  options: PlannerOptions & { readonly maxSegmentBytes: number },
  source: ObjectStore,
): Promise<TailOutlook> {
  const isPaused = ({ topic }: TopicPartition) => state.requests.pause.includes(topic)
  const open = partitions.filter((at) => !isPaused(at))
  const notes: PartitionNote[] = partitions
    .filter(isPaused)
    .map((at) => ({ ...at, message: 'paused: nothing is done until it is resumed' }))
  const planner = new TailPlanner(options, { source, journal: noting(notes), meter: silentMeter })
  const work = new Map<string, { at: TopicPartition; segments: number; bytes: number }>()
  const tooLarge = new Map<string, PartitionNote>()
  let { progress } = state
  let [tasks, starts] = [0, 0]
  let round
  do {
    round = await planner.plan(open, { ...state, progress })
    for (const task of round.tasks) count(task)
    for (const { at, ranges } of round.marks) progress = withDecided(progress, options.sourceId, at, ranges)
    tasks += round.tasks.length
    starts += round.marks.length
  } while (round.more || round.marks.length > 0)

  function count({ parts }: Task): void {
    for (const { at, segments } of parts) {
      const name = topicPartitionName(at)
      let sum = work.get(name)
      if (sum === undefined) work.set(name, (sum = { at, segments: 0, bytes: 0 }))
      sum.segments += segments.length
      for (const { key, size } of segments) {
        sum.bytes += size
        if (size <= options.maxSegmentBytes || tooLarge.has(name)) continue
        const message = `${key} has ${size} bytes, and at most ${options.maxSegmentBytes} are read at once (half of processing.memoryLimitBytes, below 2 GiB)`
        tooLarge.set(name, { ...at, message })
      }
    }
  }

  const found = [...work.values()].map(({ at, segments, bytes }) => ({ topic: at.topic, partition: at.partition, segments, bytes }))
  return {
    segments: found.reduce((sum, { segments }) => sum + segments, 0),
    bytes: found.reduce((sum, { bytes }) => sum + bytes, 0),
    tasks,
    starts,
    partitions: found,
    stops: [...planner.stops.map(({ at, reason }) => ({ ...at, message: reason })), ...tooLarge.values()],
    notes,
    readyInMs: round.readyInMs,
  }
}

/** Keeps what the planner warns of. Stops come from the planner itself. */
function noting(notes: PartitionNote[]): Journal {
  const warn = (message: string, fields: JournalFields = {}) => {
    if (notes.length >= maxNotes) return
    const { topic, partition, key, offset } = fields
    const place = typeof key === 'string' ? `${key}: ` : typeof offset === 'bigint' ? `offset ${offset}: ` : ''
    notes.push({ topic: String(topic), partition: Number(partition), message: `${place}${message}` })
  }
  return { debug: () => undefined, info: () => undefined, warn, error: () => undefined }
}

const silentMeter: Meter = { add: () => undefined, observe: () => undefined, watch: () => () => undefined, totals: () => new Map() }
