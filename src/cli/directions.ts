import { DocumentError } from '../model/failure.ts'
import type { Directions } from '../service/feed/source-directions.ts'
import type { OptionSpec } from './command.ts'

export interface DirectionOptions {
  readonly acceptRollback?: boolean
  readonly sourceMoved?: string
  readonly sourceAdded?: boolean
  readonly sourceRestarted?: boolean
}

/** What a person says of tables and sources that have stopped; each is acted on once, when a table is opened. */
export const directionOptions: readonly OptionSpec[] = [
  { flags: '--accept-rollback', description: 'let tables go on that were rolled back or replaced: what they lost is materialized again' },
  {
    flags: '--source-moved <old>',
    description: 'the segments were at <old> before, such as s3://bucket/prefix/, and their offsets continue',
    parse: oldSource,
  },
  { flags: '--source-added', description: 'the source is another one beside those that the tables have' },
  { flags: '--source-restarted', description: 'the logs began again at offset 0: a new incarnation of the source' },
]

export function directionsOf(options: DirectionOptions): Directions {
  return {
    acceptRollback: options.acceptRollback ?? false,
    sourceMoved: options.sourceMoved ?? null,
    sourceAdded: options.sourceAdded ?? false,
    sourceRestarted: options.sourceRestarted ?? false,
  }
}

function oldSource(text: string): string {
  if (!/^(s3|file):\/\/.+/.test(text)) {
    throw new DocumentError(
      `--source-moved: expected the id of the source before, such as s3://bucket/prefix/ or file:///directory/, found ${text}`,
    )
  }
  return text.endsWith('/') ? text : `${text}/`
}
