import { readFile } from 'node:fs/promises'

/** A column as a document declares it. */
export interface DeclaredColumn {
  readonly name: string
  readonly type: string
}

/** The columns of a file with a name and a type on each line, separated by a tab. */
export async function readColumns(file: string): Promise<DeclaredColumn[]> {
  const lines = (await readFile(file, 'utf8')).trimEnd().split('\n')
  return lines.map((line) => {
    const [name, type] = line.split('\t')
    return { name, type }
  })
}
