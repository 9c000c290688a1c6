import { dirname, join } from 'node:path/posix'
import { importsOf } from './imports.ts'
import type { Sources } from './rooms.ts'
import { catalogProductNames } from '../../src/model/catalog-product.ts'

const maxLines = 400
const unfinished = /\b(?:TOD[O]|FIXM[E]|XX[X])\b/
const skipped = /\b(?:it|test|describe|suite)\s*\.\s*(?:skip|only|todo)\b|\bx(?:it|describe)\s*\(/
const machinePath = new RegExp(`(?<![\\w.~$}*-])/(?:${['work', 'root', 'farm'].join('|')})/`)
/** A host whose first label says that packages come from it, under a public domain; example hosts of documents are none. */
const registryHost = /\b(?:registry|repo\d*|pypi|proxy|sum|files|deb|static|index|crates)\.(?!example\b)(?:[a-z0-9-]+\.)*(?:org|io|com)\b/

/** A decision by the name of a catalog's product: its peculiarities are values that are asked. */
const byProduct = new RegExp(`(?:[!=]==?|\\bcase) '(?:${catalogProductNames.join('|')})'`)

/** What breaks the rules about text, one sentence each. `sources` are all text files of the repository. */
export function textViolations(sources: Sources): string[] {
  const violations: string[] = []
  for (const [path, text] of sources) {
    const lines = text.split('\n')
    if (path === 'package-lock.json') {
      if (/"resolved"\s*:\s*"(?!file:)/.test(text)) violations.push(`${path} has download addresses ("resolved")`)
      continue
    }
    const isCode = /\.(?:ts|js|mjs|py|sh)$/.test(path)
    lines.forEach((line, index) => {
      const place = `${path}:${index + 1}`
      if (machinePath.test(line)) violations.push(`${place} names a path of one machine`)
      if (registryHost.test(line)) violations.push(`${place} names a registry's host`)
      if (path.startsWith('src/') && byProduct.test(line)) violations.push(`${place} asks which catalog it is, not what it does`)
      if (isCode && unfinished.test(line)) violations.push(`${place} marks unfinished work`)
      if (path.startsWith('test/') && isCode && skipped.test(line)) violations.push(`${place} skips or singles out a test`)
    })
    if (path.endsWith('.md')) {
      for (const [, target] of text.matchAll(/\]\((?!https?:)([^)#\s]+)/g)) {
        if (!isThere(join(dirname(path), target), sources)) violations.push(`${path} links to ${target}, which is not there`)
      }
    }
    if (!path.startsWith('src/') || !path.endsWith('.ts')) continue
    const count = lines.length - (lines.at(-1) === '' ? 1 : 0)
    if (count > maxLines) violations.push(`${path} has ${count} lines, at most ${maxLines} are one idea`)
    if (importsOf(path, text).exports && !text.includes('/**')) violations.push(`${path} exports something and has no doc comment`)
  }
  return violations
}

/** Whether it is a file, or a folder with any. */
function isThere(path: string, sources: Sources): boolean {
  const folder = path.endsWith('/') ? path : `${path}/`
  return sources.has(path) || [...sources.keys()].some((one) => one.startsWith(folder))
}
