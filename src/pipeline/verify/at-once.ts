/** Does something with each item, several at once. Throws the first error, when those under way have ended. */
export async function forEachAtOnce<T>(items: readonly T[], atOnce: number, use: (item: T, index: number) => Promise<void>): Promise<void> {
  let next = 0
  let failed = false
  const lanes = Array.from({ length: Math.min(atOnce, items.length) }, async () => {
    while (next < items.length && !failed) {
      const index = next++
      try {
        await use(items[index], index)
      } catch (error) {
        failed = true
        throw error
      }
    }
  })
  const ended = await Promise.allSettled(lanes)
  const rejected = ended.find((lane) => lane.status === 'rejected')
  if (rejected !== undefined) throw rejected.reason
}
