import { stringifyJson } from '../formats/json/exact.ts'
import { DocumentError } from '../model/failure.ts'
import type { TableOutcome } from '../service/maintain/work-on-tables.ts'
import { printable } from './printable.ts'
import type { Terminal } from './terminal.ts'
import { moneyOnce, type Once, type Prices, type Taken } from '../pipeline/backfill/bill.ts'

interface Asked {
  /** The one table that was meant; undefined: all of the documents. */
  readonly wanted: string | undefined
  readonly json: boolean
  readonly dryRun: boolean
}

/** The outcomes, each with what it costs by these prices; `takes`: what is to be paid for. */
export function withMoney<T>(
  tables: readonly TableOutcome<T>[],
  prices: Prices,
  takes: (done: T) => Taken,
): TableOutcome<T & { readonly money: Once }>[] {
  return tables.map((one) => ({ ...one, done: one.done === null ? null : { ...one.done, money: moneyOnce(takes(one.done), prices) } }))
}

/**
 * Tells what became of work on tables: as JSON, or the lines that `linesOf` makes of each, without its name. Returns the exit code: 1 where work on one
 * failed, or is not whole by `isWhole`. Throws a DocumentError where the documents have no such table as was wanted.
 */
export function tellOutcomes<T>(
  tables: readonly TableOutcome<T>[],
  { wanted, json, dryRun }: Asked,
  linesOf: (done: T) => readonly string[],
  terminal: Terminal,
  isWhole: (done: T | null) => boolean = () => true,
): 0 | 1 {
  if (wanted !== undefined && tables.length === 0) throw new DocumentError(`the documents have no table ${wanted}`)
  const ok = tables.every(({ done, problem }) => problem === null && isWhole(done))
  if (json) terminal.out(stringifyJson({ ok, dryRun, tables }))
  else {
    if (tables.length === 0) terminal.out('There is no table yet.')
    for (const { table, done, problem } of tables) {
      if (done === null) terminal.err(`${printable(table)}: ${printable(problem ?? '')}`)
      else for (const line of linesOf(done)) terminal.out(`${printable(table)}: ${line}`)
    }
  }
  return ok ? 0 : 1
}
