import { serveCommandOf } from './serve-command.ts'

/** `worker`: the part of a fleet that reads segments and writes data files. */
export const workerCommand = serveCommandOf('worker', {
  description:
    "Carries out tasks from the documents' queue: reads segments, writes data files, and leaves the rest to planners and committers. Any number may run; one that dies in the middle of a task loses nothing, since another takes the task over.",
  examples: [['worker -f spec.yaml', 'Take tasks until stopped:']],
})
