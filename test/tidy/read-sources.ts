import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Sources } from './rooms.ts'

/** Folders that are not ours wherever they stand, and those that only the root has. */
const notOurs = new Set(['.git', 'node_modules', 'dist', 'coverage', '.cache', '.vitest', 'golden'])
const notOursAtRoot = new Set(['demo', 'warehouse'])
const maxTextBytes = 1024 * 1024

/** Every text file of the repository by its path from the root, with slashes; test data, what is installed and what is built are left out. */
export function readSources(root: string, under = ''): Sources {
  const sources = new Map<string, string>()
  for (const entry of readdirSync(join(root, under), { withFileTypes: true })) {
    if (notOurs.has(entry.name) || (under === '' && notOursAtRoot.has(entry.name))) continue
    const path = under === '' ? entry.name : `${under}/${entry.name}`
    if (entry.isDirectory()) {
      for (const [inner, text] of readSources(root, path)) sources.set(inner, text)
    } else if (entry.isFile()) {
      const bytes = readFileSync(join(root, path))
      if (bytes.length <= maxTextBytes && !bytes.includes(0)) sources.set(path, bytes.toString('utf8'))
    }
  }
  return sources
}
