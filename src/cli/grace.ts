import { DocumentError } from '../model/failure.ts'
import type { OptionSpec } from './command.ts'
import type { Grace } from './signals.ts'
import type { Terminal } from './terminal.ts'

/** Kubernetes waits 30 s between SIGTERM and SIGKILL unless a pod says otherwise; this leaves some for the end of the process. */
const defaultGraceSeconds = 25

/** The option that bounds what follows the first signal. */
export const graceOption: OptionSpec = {
  flags: '--grace-seconds <seconds>',
  description: `how long to finish and commit what is under way after a signal (default: ${defaultGraceSeconds})`,
  parse(text) {
    const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN
    if (!(seconds > 0 && seconds <= 86_400)) throw new DocumentError('--grace-seconds: expected a number above 0, up to 86400')
    return seconds
  },
}

/** The grace of a process, and the sentence at its end. */
export function graceOf({ graceSeconds = defaultGraceSeconds }: { readonly graceSeconds?: number }, terminal: Terminal): Grace {
  return {
    ms: graceSeconds * 1000,
    onOver: () =>
      terminal.err(
        `Stopped ${graceSeconds} s after the signal, before everything was committed. Nothing is lost: the next start does it again.`,
      ),
  }
}
