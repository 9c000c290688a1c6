let missed = 0

/** Prints whether a measured thing is as it must be. */
export function check(ok: boolean, what: string): void {
  if (!ok) missed++
  console.log(`${ok ? 'ok    ' : 'MISSED'}  ${what}`)
}

/** The exit code says whether all was as it must be. */
export function report(): void {
  if (missed > 0) process.exitCode = 1
}
