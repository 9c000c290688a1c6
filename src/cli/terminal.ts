import { styleText } from 'node:util'
import { openProgress, type Progress } from './progress.ts'
import { formatCount } from './units.ts'

/** A colour or weight. */
export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'

/** Gives text a colour where the stream shows colours, and leaves it as it is elsewhere. */
export type Paint = (style: Style, text: string) => string

/** Where commands write for people: results to standard output, everything about the work itself to standard error. */
export interface Terminal {
  /** Writes lines to standard output. */
  out(text: string): void
  /** Writes lines to standard error. */
  err(text: string): void
  readonly style: Paint
  readonly errStyle: Paint
  /** Columns of standard output; 100 where it is no terminal. */
  readonly width: number
  readonly hasColors: boolean
  /** A progress bar on standard error; silent where that is no terminal. `format`: how numbers are written (default: `1,234`). */
  progress(label: string, format?: (done: number) => string): Progress
}

/** A terminal on two streams. Colours follow NO_COLOR, FORCE_COLOR and whether the stream is a terminal. */
export function openTerminal(stdout: NodeJS.WriteStream, stderr: NodeJS.WriteStream): Terminal {
  const style: Paint = (name, text) => styleText(name, text, { stream: stdout })
  return {
    out: (text) => void stdout.write(`${text}\n`),
    err: (text) => void stderr.write(`${text}\n`),
    style,
    errStyle: (name, text) => styleText(name, text, { stream: stderr }),
    // A terminal that nobody has told its size says 0.
    width: stdout.columns > 0 ? stdout.columns : 100,
    hasColors: style('bold', 'x') !== 'x',
    progress: (label, format = formatCount) => openProgress(label, stderr, format),
  }
}
