import type { TableLayout } from '../flow.ts'
import { TableColumns } from './table-columns.ts'

/** Columns kept for later at most: each holds buffers of about twice a batch. */
const maxIdle = 2

/**
 * Columns that no task uses, for the next one that fills the same columns: their buffers have grown, and their scanner is compiled, knows
 * the keys' order, and is code that V8 has optimized.
 */
export class ColumnsPool {
  #idle: { readonly layout: string; readonly columns: TableColumns }[] = []

  /** Empty columns of the layout, which nobody else has. */
  take(layout: TableLayout): TableColumns {
    const key = JSON.stringify(layout)
    const at = this.#idle.findIndex((idle) => idle.layout === key)
    return at < 0 ? new TableColumns(layout) : this.#idle.splice(at, 1)[0].columns
  }

  /** Takes columns back whose task went through, and whose counts were taken. */
  giveBack(layout: TableLayout, columns: TableColumns): void {
    columns.clear()
    this.#idle = [...this.#idle, { layout: JSON.stringify(layout), columns }].slice(-maxIdle)
  }
}
