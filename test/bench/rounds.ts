/** What takes part in a comparison: each call is one round and gives its measure. */
export type Contestants<Name extends string> = Readonly<Record<Name, () => Promise<number>>>

/**
 * Runs contestants in turn, `rounds` times over, so that whatever else the machine does meets all of them alike; gives each one's
 * median. `rounds` is odd.
 */
export async function medians<Name extends string>(rounds: number, contestants: Contestants<Name>): Promise<Record<Name, number>> {
  const names = Object.keys(contestants) as Name[]
  const measured = new Map<Name, number[]>(names.map((name) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const name of names) measured.get(name)!.push(await contestants[name]())
  }
  for (const [name, values] of measured) console.log(`  ${name}: ${values.map((value) => shown(value)).join(' · ')}`)
  return Object.fromEntries(names.map((name) => [name, median(measured.get(name)!)])) as Record<Name, number>
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[(values.length - 1) / 2]
}

/** With as many digits as a measurement keeps from run to run. */
export function shown(value: number): string {
  return (value >= 1000 ? Math.round(value) : Number(value.toPrecision(3))).toLocaleString('en')
}
