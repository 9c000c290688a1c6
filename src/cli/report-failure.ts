import { stringifyJson } from '../formats/json/exact.ts'
import { DocumentError, WorkError, type Problem } from '../model/failure.ts'
import { ObjectChanged, ObjectNotFound } from '../seams/object-store.ts'
import type { ExitCode } from './command.ts'
import { printable } from './printable.ts'
import type { Terminal } from './terminal.ts'

/**
 * Says what went wrong, and with which exit code the program ends. With `json`, the expected kinds of failure are an object on
 * standard output: `{"ok":false,"problems":[…]}` for documents and arguments, `{"ok":false,"error":"…"}` for work.
 * Anything else is a bug and shows its stack.
 */
export function reportFailure(error: unknown, terminal: Terminal, json: boolean): ExitCode {
  if (error instanceof DocumentError) {
    const problems: readonly Problem[] = error.problems.length > 0 ? error.problems : [{ path: '', message: error.message }]
    if (json) terminal.out(stringifyJson({ ok: false, problems }))
    else for (const line of error.message.split('\n')) sayError(line, terminal)
    return 2
  }
  if (error instanceof WorkError || error instanceof ObjectNotFound || error instanceof ObjectChanged) {
    if (json) terminal.out(stringifyJson({ ok: false, error: error.message }))
    else sayError(error.message, terminal)
    return 1
  }
  terminal.err(`This is a bug in iceberg-processor. Please report it:`)
  terminal.err(error instanceof Error ? (error.stack ?? error.message) : String(error))
  return 1
}

function sayError(line: string, terminal: Terminal): void {
  terminal.err(`${terminal.errStyle('red', 'error:')} ${printable(line)}`)
}
