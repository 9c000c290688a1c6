import promises from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'

/** Loaded into a worker by a test: opening a segment of the topic `poison` ends the whole process, as a crash in native code would. */
const { open } = promises
promises.open = (path, ...rest) => {
  if (String(path).includes('/poison/') && String(path).endsWith('.kfs')) process.kill(process.pid, 'SIGKILL')
  return open(path, ...rest)
}
syncBuiltinESMExports()
