/** With one rewrite of files under way, a process takes so much, as measured (docs/rewriting.md). */
export const leastRewriteMemoryBytes = 416 * 1024 * 1024

/** Why files can not be rewritten within a document's memory; null: they can. */
export function lackOfMemory({ memoryLimitBytes }: { readonly memoryLimitBytes: number }): string | null {
  return memoryLimitBytes >= leastRewriteMemoryBytes
    ? null
    : `expected at least ${leastRewriteMemoryBytes} to rewrite files, found ${memoryLimitBytes}`
}
