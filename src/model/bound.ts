/** Where offsets that are meant begin or end: an offset, or the first record of a time or later; null: where the log does. */
export type Bound = { readonly offset: bigint } | { readonly timeMs: number } | null

/** Whether there is surely nothing from one to the other. An offset and a time can not be compared. */
export function isReversed(from: Bound, to: Bound): boolean {
  if (from === null || to === null) return false
  if ('offset' in from) return 'offset' in to && to.offset <= from.offset
  return 'timeMs' in to && to.timeMs <= from.timeMs
}
