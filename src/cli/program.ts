import { readFileSync } from 'node:fs'
import { styleText } from 'node:util'
import { Command as Program, CommanderError, Option } from 'commander'
import { DocumentError } from '../model/failure.ts'
import { nearest } from '../spec/nearest.ts'
import { enumerated, quoted } from '../spec/wording.ts'
import type { Command, ExitCode, OptionSpec } from './command.ts'
import { commands, laterCommands } from './commands.ts'
import { reportFailure } from './report-failure.ts'
import type { Terminal } from './terminal.ts'

/** Carries out a command line, without the program's own name. Whatever fails is reported on the terminal; never throws. */
export async function runProgram(argv: readonly string[], terminal: Terminal): Promise<ExitCode> {
  try {
    return await dispatch(argv, terminal)
  } catch (error) {
    return reportFailure(error, terminal, argv.includes('--json'))
  }
}

async function dispatch(argv: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const words = argv.filter((word) => !word.startsWith('-'))
  const name = words[0] === 'help' ? words[1] : words[0]
  checkName(name)

  let said = ''
  let exitCode: ExitCode = 0
  const program = newProgram(terminal, (text) => {
    said += text
  })
  for (const [each, { summary, load }] of Object.entries(commands)) {
    const entry = program.command(each).summary(summary)
    if (each === name) {
      define(entry, await load(), async (run) => {
        exitCode = await run(terminal)
      })
    }
  }
  if (argv.length === 0) {
    program.outputHelp({ error: true })
    terminal.err(said.trimEnd())
    return 2
  }
  try {
    await program.parseAsync(argv, { from: 'user' })
    return exitCode
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return 0
    throw new DocumentError(argumentProblem(said, name))
  }
}

/** Refuses a command that is not there, or not there yet. */
function checkName(name: string | undefined): void {
  if (name === undefined || Object.hasOwn(commands, name)) return
  const known = Object.keys(commands)
  if (laterCommands.includes(name)) {
    throw new DocumentError(`${name} is not available yet; the commands of this version are ${enumerated(known, 'and')}`)
  }
  const meant = nearest(name, [...known, ...laterCommands])
  const hint = meant === undefined ? `the commands are ${enumerated(known, 'and')}` : `did you mean ${meant}?`
  throw new DocumentError(`there is no command ${quoted(name)}; ${hint}`)
}

/** The sentence about wrong arguments, and where to read on. */
function argumentProblem(said: string, name: string | undefined): string {
  const sentence = said
    .replace(/^error: /, '')
    .trim()
    .replaceAll(/\s*\n\s*/g, ' ')
  return `${sentence}; see: iceberg-processor ${name === undefined ? '' : `${name} `}--help`
}

function newProgram(terminal: Terminal, onError: (text: string) => void): Program {
  return new Program('iceberg-processor')
    .description("Turns KafScale's segments of Kafka records into Apache Iceberg tables, every row exactly once.")
    .version(version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show this help')
    .helpCommand('help [command]', "show a command's help")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.out(text.replace(/\n$/, '')),
      writeErr: onError,
      getOutHelpWidth: () => terminal.width,
      getErrHelpWidth: () => terminal.width,
      getOutHasColors: () => terminal.hasColors,
    })
    .configureHelp({ styleTitle: (text) => styleText('bold', text) })
    .addHelpText('after', `\n${wrapped(`Not available yet: ${laterCommands.join(', ')}.`, terminal.width)}`)
}

/** Gives a command its options and its action; `act` gets what is to be run. */
function define(entry: Program, command: Command, act: (run: (terminal: Terminal) => Promise<ExitCode>) => Promise<void>): void {
  entry.description(command.description).helpOption('-h, --help', 'show this help')
  const { argument } = command
  if (argument !== undefined) entry.argument(`[${argument.name}]`, argument.description)
  for (const option of command.options) entry.addOption(toOption(option))
  const examples = command.examples.map(([line, purpose]) => `  ${purpose}\n    $ iceberg-processor ${line}`)
  entry.addHelpText('after', `\n${styleText('bold', 'Examples:')}\n${examples.join('\n')}`)
  if (command.subcommands !== undefined) {
    for (const [name, { summary, command: inner }] of Object.entries(command.subcommands)) {
      define(entry.command(name).summary(summary), inner, act)
    }
    // What was meant for the second word is not judged without it.
    entry.allowUnknownOption().allowExcessArguments()
  }
  entry.action(async (...received: unknown[]) => {
    const [target, options] = argument === undefined ? [undefined, received[0]] : [received[0] as string | undefined, received[1]]
    if (command.run === undefined) throw secondWordProblem(entry)
    await act((terminal) => command.run!({ argument: target, options }, terminal))
  })
}

/** A command was given without its second word, or with one that is none. */
function secondWordProblem(entry: Program): DocumentError {
  const name = entry.name()
  const known = entry.commands.map((inner) => inner.name())
  const found = entry.args.slice(0, 1).find((word) => !word.startsWith('-'))
  const meant = found === undefined ? undefined : nearest(found, known)
  const what = found === undefined ? '' : `, found ${quoted(found)}${meant === undefined ? '' : `; did you mean ${meant}?`}`
  return new DocumentError(argumentProblem(`expected ${enumerated(known, 'or')} after ${name}${what}`, name))
}

function toOption(spec: OptionSpec): Option {
  const option = new Option(spec.flags, spec.description).makeOptionMandatory(spec.required === true)
  const long = option.long ?? spec.flags
  if (spec.later === true) {
    option.hideHelp()
    // Options without a value never come to the parser of arguments, but they do come to a preset one's.
    if (!option.required) option.preset('')
    return option.argParser(() => {
      throw new DocumentError(`${long} is not available yet`)
    })
  }
  if (!option.required) return option
  if (spec.choices !== undefined) option.choices([...spec.choices])
  const checkChoice = option.parseArg
  return option.argParser((text: string, previous: unknown) => {
    if (previous !== undefined) throw new DocumentError(`${long} is given twice, and one is expected`)
    checkChoice?.(text, undefined)
    return spec.parse === undefined ? text : spec.parse(text)
  })
}

/** Breaks a text at spaces into lines of at most `width` characters. */
function wrapped(text: string, width: number): string {
  return text.replaceAll(new RegExp(`(?![^\\n]{1,${width}}$)([^\\n]{1,${width}}) `, 'g'), '$1\n')
}

function version(): string {
  return (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }).version
}
