import { runProgram } from './cli/program.ts'
import { openTerminal } from './cli/terminal.ts'

// A reader that had enough (`| head`) is no failure of ours.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    process.exit()
  })
}

process.exitCode = await runProgram(process.argv.slice(2), openTerminal(process.stdout, process.stderr))
