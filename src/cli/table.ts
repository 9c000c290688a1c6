import { stripVTControlCharacters } from 'node:util'
import { displayWidth } from './printable.ts'
import type { Paint } from './terminal.ts'

/** A column of a table for people. */
export interface Column<Row> {
  readonly title: string
  readonly align?: 'right'
  readonly cell: (row: Row) => string
}

/** Lines of a table, two spaces between its columns, indented by two; a column in which no row has anything is left out. */
export function tableLines<Row>(columns: readonly Column<Row>[], rows: readonly Row[], style: Paint): string[] {
  const shown = columns
    .map((column) => ({ ...column, cells: rows.map(column.cell) }))
    .filter(({ cells }) => cells.some((cell) => cell !== ''))
    .map((column) => ({ ...column, width: Math.max(...[column.title, ...column.cells].map(widthOf)) }))
  const line = (textOf: (column: (typeof shown)[number]) => string) =>
    `  ${shown.map((column) => pad(textOf(column), column.width, column.align)).join('  ')}`.trimEnd()
  return [line(({ title, width, align }) => style('dim', pad(title, width, align))), ...rows.map((_, i) => line(({ cells }) => cells[i]))]
}

function pad(text: string, width: number, align?: 'right'): string {
  const space = ' '.repeat(Math.max(0, width - widthOf(text)))
  return align === 'right' ? space + text : text + space
}

function widthOf(text: string): number {
  return displayWidth(stripVTControlCharacters(text))
}
