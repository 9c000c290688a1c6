import { spawn } from 'node:child_process'

/** vitest's own arguments for ours: `--json FILE` adds its JSON report in FILE, everything else is passed on. */
export function vitestArguments(args: readonly string[]): string[] {
  const passedOn: string[] = []
  for (let i = 0; i < args.length; i++) {
    if (args[i] !== '--json') {
      passedOn.push(args[i])
      continue
    }
    const file = args[++i]
    if (file === undefined || file.startsWith('-')) throw new Error('--json needs the name of a file')
    passedOn.push('--reporter=default', '--reporter=json', `--outputFile.json=${file}`)
  }
  return ['run', '--config', 'test/vitest.integration.config.ts', ...passedOn]
}

if (import.meta.main) {
  const child = spawn('vitest', vitestArguments(process.argv.slice(2)), { stdio: 'inherit' })
  // The terminal sends its signals to the whole group; vitest stops the servers and ends, and this process with it.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => {
    console.error(`vitest did not start: ${error.message}`)
    process.exitCode = 1
  })
  child.on('exit', (code) => {
    process.exitCode = code ?? 1
  })
}
