import type { DataFile } from './data-file.ts'

/** What tells a file of a table from all others: a file of deletion vectors has several, each a blob of its own. */
export function fileKey({ filePath, contentOffset }: Pick<DataFile, 'filePath' | 'contentOffset'>): string {
  return contentOffset === undefined ? filePath : `${filePath}#${contentOffset}`
}
