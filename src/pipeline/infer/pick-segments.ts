/** `count` of the items at most, in their order, spread evenly from the first to the last. */
export function spreadEvenly<T>(items: readonly T[], count: number): T[] {
  if (items.length <= count) return [...items]
  return Array.from({ length: count }, (_, i) => items[count === 1 ? 0 : Math.round((i * (items.length - 1)) / (count - 1))])
}

/** The first, the middle and the last of each list; then everything else, by turns: the next of each list, and the next again. */
export function pickThree<T>(lists: readonly (readonly T[])[]): { readonly picked: readonly T[]; readonly others: readonly T[] } {
  const picked = lists.flatMap((list) => spreadEvenly(list, 3))
  const chosen = new Set(picked)
  const left = lists.map((list) => list.filter((item) => !chosen.has(item)))
  const others: T[] = []
  for (let turn = 0; left.some((list) => turn < list.length); turn++) {
    for (const list of left) if (turn < list.length) others.push(list[turn])
  }
  return { picked, others }
}
