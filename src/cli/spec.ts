import type { Command } from './command.ts'
import { specImportCommand } from './spec/import.ts'

/** `spec`: documents. */
export const specCommand: Command = {
  description: 'Makes documents.',
  options: [],
  subcommands: { import: { summary: "translate the configuration of KafScale's Go processor", command: specImportCommand } },
  examples: specImportCommand.examples,
}
