import { type FaultKind, InvariantBroken } from './faults.ts'
import { World } from './world.ts'

export interface SimulationOptions {
  /** Is given every event as a line, for looking into one run. */
  readonly onEvent?: (line: string) => void
}

export interface SimulationReport {
  readonly seed: number
  readonly faults: ReadonlyMap<FaultKind, number>
  /** Snapshots of ours that became current. */
  readonly commits: number
  /** Commits that met another's, injected answers not counted. */
  readonly conflicts: number
  readonly rowsChecked: number
  /** Time that passed in the simulated world, ms. */
  readonly elapsedMs: number
  /** What did not hold; null of a good run. */
  readonly broken: { readonly invariant: string; readonly detail: string } | null
  /** SHA-256 over all events: the same seed gives the same. */
  readonly digest: string
}

/** Runs the world that a seed makes, checking it all the time. The same seed gives the same run. */
export async function simulate(seed: number, options: SimulationOptions = {}): Promise<SimulationReport> {
  const world = new World(seed, options.onEvent)
  let broken: SimulationReport['broken'] = null
  try {
    await world.run()
  } catch (error) {
    broken = describe(error)
  }
  return {
    seed,
    faults: world.faults.totals(),
    commits: world.commits,
    conflicts: world.catalog.conflicts,
    rowsChecked: world.rowsChecked,
    elapsedMs: world.elapsedMs,
    broken,
    digest: world.log.digest(),
  }
}

function describe(error: unknown): { invariant: string; detail: string } {
  if (error instanceof InvariantBroken) return { invariant: error.invariant, detail: error.message }
  return {
    invariant: 'nothing fails for an unknown reason',
    detail: error instanceof Error ? (error.stack ?? error.message) : String(error),
  }
}
