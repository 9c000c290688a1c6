import { directionOptions } from './directions.ts'
import { serveCommandOf } from './serve-command.ts'

/** `planner`: the part of a fleet that finds segments and hands out tasks. */
export const plannerCommand = serveCommandOf(
  'planner',
  {
    description:
      "Finds segments, hands out tasks in the documents' queue, and has committers commit what workers made of them. One process at a time feeds a table; others stand by and take over.",
    examples: [['planner -f spec.yaml', 'Plan until stopped:']],
  },
  directionOptions,
)
