import type { DocumentHealth } from '../model/health.ts'
import { carryOutTasks } from '../service/tasks/carry-out-tasks.ts'
import { carryOutCommits } from '../service/feed/commits.ts'
import { documentHealth } from '../service/feed/document-watch.ts'
import { limitsOf } from '../service/tasks/limits.ts'
import { Processor } from '../service/feed/processor.ts'
import type { Remembered } from '../service/feed/remembered.ts'
import type { ProcessorSeams } from '../service/feed/processor-seams.ts'
import type { SourceIdentity } from '../model/source-identity.ts'
import type { Directions } from '../service/feed/source-directions.ts'
import { whenAborted } from '../service/feed/when-aborted.ts'
import type { ProcessorDocument } from '../spec/document.ts'
import type { Fleet, Role } from './fleet.ts'

/** A part of a document's work, ready to be done. */
export interface Part {
  /** As `Processor.run`. */
  run(signal: AbortSignal, hurry: AbortSignal): Promise<boolean>
  health(): DocumentHealth
}

/** What a process does for a document in its role. */
export function partOf(
  role: Role,
  document: ProcessorDocument,
  source: SourceIdentity,
  seams: ProcessorSeams,
  fleet: Fleet | null,
  { once, directions, remembered }: { readonly once: boolean; readonly directions?: Directions; readonly remembered?: Remembered },
): Part {
  if (role === 'run' || role === 'planner' || fleet === null) {
    const commits = role === 'planner' && fleet !== null ? { commits: fleet.commits } : {}
    const processor = new Processor(document, source, { ...seams, ...commits }, directions, remembered)
    return { run: (signal, hurry) => processor.run(once, signal, hurry), health: () => processor.health() }
  }
  const { tasksAtOnce } = fleet
  const work =
    role === 'worker'
      ? (signal: AbortSignal) =>
          carryOutTasks(tasksAtOnce, limitsOf({ ...document.spec.processing, parallelism: tasksAtOnce }), seams, signal)
      : (signal: AbortSignal) => carryOutCommits(document, source.id, fleet.commits, seams, signal)
  const queue = role === 'worker' ? fleet.tasks : fleet.commits
  return {
    async run(signal, hurry) {
      let isDone = false
      await Promise.race([work(signal).then(() => (isDone = true)), whenAborted(hurry)])
      return isDone
    },
    // Who feeds no table waits for nothing.
    health: () => documentHealth(document, { queue, meter: seams.meter }, { discovered: true, failing: null, tables: [] }),
  }
}
