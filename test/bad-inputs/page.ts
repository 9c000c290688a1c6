import { type BadInput, kinds } from './case.ts'

const opening = `# Bad inputs

<!-- Generated: \`npx vitest run --config test/vitest.config.ts -u test/unit/bad-inputs.test.ts\` -->

What can be wrong, what happens then, and the message. A test makes each of these inputs, runs the program over it and compares what it says
with this page. Messages name the place and say what was expected and what was found; none holds a secret or bytes of a record.
`

const titles: Readonly<Record<(typeof kinds)[number], string>> = {
  documents: 'Documents',
  arguments: 'Arguments',
  segments: 'Segments',
  indexes: 'Indexes',
  tables: 'Tables',
  catalogs: 'Catalogs',
  stores: 'Stores',
}

/** The page of the docs: a table for each kind. */
export function renderPage(rows: readonly (Omit<BadInput, 'message'> & { readonly message: string })[]): string {
  const sections = kinds.map((kind) => {
    const lines = rows.filter((row) => row.kind === kind).map(({ what, happens, message }) => `| ${what} | ${happens} | ${cell(message)} |`)
    return `\n## ${titles[kind]}\n\n| What | What happens | The message |\n| --- | --- | --- |\n${lines.join('\n')}\n`
  })
  return opening + sections.join('')
}

/** A message as code in a cell of a table. */
function cell(message: string): string {
  const text = message.replaceAll('|', '\\|').replaceAll('\n', '<br>')
  return text.includes('`') ? `\`\` ${text} \`\`` : `\`${text}\``
}
