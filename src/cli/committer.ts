import { serveCommandOf } from './serve-command.ts'

/** `committer`: the part of a fleet that writes snapshots. */
export const committerCommand = serveCommandOf('committer', {
  description:
    "Commits snapshots that planners ask for in the documents' queue, one at a time for each table. Any number may run; a commit whose committer dies is looked for in the table, and made only if it is not there.",
  examples: [['committer -f spec.yaml', 'Commit until stopped:']],
})
