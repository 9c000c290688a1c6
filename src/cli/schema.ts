import type { Command } from './command.ts'
import { schemaShowCommand } from './schema/show.ts'

/** `schema`: what values become. */
export const schemaCommand: Command = {
  description: 'Looks at the columns that values become. With --json, what it says is for programs.',
  options: [],
  subcommands: { show: { summary: 'print the columns of tables as part of a document', command: schemaShowCommand } },
  examples: schemaShowCommand.examples,
}
