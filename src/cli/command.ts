import type { Terminal } from './terminal.ts'

/** 0 done, 1 failed at work, 2 the document or the arguments are wrong. */
export type ExitCode = 0 | 1 | 2

/** One option of a command. Its value comes under the camelCase name of its long flag; a string unless `parse` makes something else of it. */
export interface OptionSpec {
  /** As help shows it: `-f, --file <spec.yaml>`, `--json`. */
  readonly flags: string
  readonly description: string
  readonly required?: boolean
  readonly choices?: readonly string[]
  /** Reads the option's text. Throws a DocumentError. */
  readonly parse?: (text: string) => unknown
  /** The name is taken, but what it stands for does not work yet: it is refused, and help does not show it. */
  readonly later?: boolean
}

/** A command, described by a value: what help shows, and what it does. */
export interface Command<Options = unknown> {
  /** Some sentences for its help. */
  readonly description: string
  /** The one argument, which can be left out. */
  readonly argument?: { readonly name: string; readonly description: string }
  readonly options: readonly OptionSpec[]
  /** Commands that go by a second word, each with a line for the overview. */
  readonly subcommands?: Readonly<Record<string, { readonly summary: string; readonly command: Command }>>
  /** Command lines, each with what it is good for. At least one. */
  readonly examples: readonly (readonly [commandLine: string, purpose: string])[]
  /** Carries it out; absent where subcommands do. Throws DocumentError for what the user got wrong and WorkError for what the world did. */
  run?(input: { readonly argument?: string; readonly options: Options }, terminal: Terminal): Promise<ExitCode>
}

/** The option that names the document. */
export const fileOption: OptionSpec = {
  flags: '-f, --file <spec.yaml>',
  description: 'the document, or several of them in one file; - reads standard input',
  required: true,
}

/** The option that asks for output that programs read. */
export const jsonOption: OptionSpec = { flags: '--json', description: 'print JSON for programs' }
