import type { ProcessorSeams } from '../feed/processor-seams.ts'
import type { Scope } from '../../pipeline/verify/scope.ts'
import type { ReadingPlan } from '../../pipeline/verify/verification.ts'

/** What verifying needs of the world. */
export type VerifySeams = Omit<ProcessorSeams, 'queue' | 'carryOut'>

/** What a person asked of `verify`. */
export interface VerifyOptions {
  /** Every row is read by its Kafka columns, whatever the files' metadata say. */
  readonly exact: boolean
  /** The one table to look at; null: all. */
  readonly table: string | null
  /**
   * A snapshot whose absent rows are known and meant from now on: what one of another writer removed, or with one of ours, the gaps that
   * are reported. Null: nothing is accepted.
   */
  readonly accept: bigint | null
  /** Of how many segments of each table, chosen at random, the rows' values are compared with what the segment gives. Null: of none. */
  readonly values: number | 'all' | null
  /** What is looked at of the tables. */
  readonly scope: Scope
  /**
   * Whether missing rows are to be materialized again: `dry` tells which, `commit` has the table forget that they were decided. Null: they
   * are reported and no more.
   */
  readonly retract: 'dry' | 'commit' | null
  /** Called before a table's files are read. */
  readonly tell: (plan: ReadingPlan) => void
  /** Called as files are read. */
  readonly progress: (done: number, total: number) => void
}
