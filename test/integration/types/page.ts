import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** What stands in the matrix about one engine: by row, `long` or `list<T>`, a cell. */
export type Cells = ReadonlyMap<string, string>

/** docs/types.md. */
export const typesPage = join(import.meta.dirname, '../../../docs/types.md')

const begin = '<!-- The matrix: written by the test that finds it; see below. -->'
const end = '<!-- End of the matrix. -->'

/**
 * The page with the matrix in it: `found` for the engines that were asked, what the page says already for the others. Tables are
 * `groups` of rows under a heading each, and `notes` are numbered from 1, as the cells refer to them.
 */
export function pageWith(
  engines: readonly string[],
  groups: readonly { readonly heading: string; readonly rows: readonly string[] }[],
  notes: readonly string[],
  found: ReadonlyMap<string, Cells>,
): string {
  const [before, rest] = split(readFileSync(typesPage, 'utf8'), begin)
  const [committed, after] = split(rest, end)
  const known = cellsIn(committed)
  const cell = (engine: string, row: string) => found.get(engine)?.get(row) ?? known.get(engine)?.get(row) ?? '?'
  const tables = groups.map(({ heading, rows }) =>
    [
      `| ${[heading, ...engines].join(' | ')} |`,
      `|${' --- |'.repeat(engines.length + 1)}`,
      ...rows.map((row) => `| ${[`\`${row}\``, ...engines.map((engine) => cell(engine, row))].join(' | ')} |`),
    ].join('\n'),
  )
  const numbered = notes.map((note, i) => `${i + 1}. ${note}`).join('\n')
  return `${before}${begin}\n\n${[...tables, numbered].join('\n\n')}\n\n${end}${after}`
}

function split(text: string, mark: string): [string, string] {
  const at = text.indexOf(mark)
  if (at < 0) throw new Error(`${typesPage} has no line ${mark}`)
  return [text.slice(0, at), text.slice(at + mark.length)]
}

/** The cells of tables in Markdown, by the column's heading and the row's name. */
function cellsIn(text: string): Map<string, Map<string, string>> {
  const known = new Map<string, Map<string, string>>()
  let engines: string[] = []
  for (const line of text.split('\n')) {
    if (!line.startsWith('| ') || line.startsWith('| ---')) continue
    const [first, ...cells] = line.slice(2, -2).split(' | ')
    if (!first.startsWith('`')) engines = cells
    else
      engines.forEach((engine, i) => known.set(engine, (known.get(engine) ?? new Map<string, string>()).set(first.slice(1, -1), cells[i])))
  }
  return known
}
