import { LineCounter, isAlias, isMap, isScalar, isSeq, parseAllDocuments } from 'yaml'
import type { Node, ParsedNode } from 'yaml'
import { pathText } from './path.ts'
import type { Path } from './path.ts'
import { syntaxMessage } from './yaml-messages.ts'
import type { Problem } from '../model/failure.ts'

/** A file is no longer than this, in characters; a value has no more values within, aliases followed; and nests no deeper. */
const longestFile = 4_194_304
const mostValues = 100_000
const deepest = 64

interface Place {
  /** Both from 1. */
  readonly line: number
  readonly column: number
}

/** One YAML document as plain data (null-prototype objects, arrays, strings, numbers, booleans, null), with places. */
export interface SourceValue {
  readonly value: unknown
  /** Where the value at `path` stands, or its key; where it is missing, the nearest thing around it. */
  placeOf(path: Path, part: 'key' | 'value'): Place
}

/**
 * Reads YAML 1.2, of which JSON is a part: all documents of a text, without the empty ones. Values of aliases are followed.
 * What is wrong is told with its place; messages never quote the text, which may hold secrets.
 */
export function readYaml(text: string, file: string): { readonly values: readonly SourceValue[]; readonly problems: readonly Problem[] } {
  if (text.length > longestFile) {
    return { values: [], problems: [{ path: '', file, message: `expected at most ${longestFile} characters, found ${text.length}` }] }
  }
  const lines = new LineCounter()
  const problems: Problem[] = []
  const place = (offset: number): Place => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(line, 1), column: Math.max(col, 1) }
  }
  const report = (offset: number, path: Path, message: string) => problems.push({ path: pathText(path), message, file, ...place(offset) })

  // Repeated keys are found below, where the path is known. Pretty errors would quote the text, which may hold secrets.
  const parsed = parseAllDocuments(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: false,
    stringKeys: true,
    resolveKnownTags: false,
    logLevel: 'silent',
  })
  const documents = Array.isArray(parsed) ? parsed : []
  const values: SourceValue[] = []
  for (const document of documents) {
    // One error makes others after it.
    const error = document.errors[0] ?? document.warnings[0]
    if (error !== undefined) report(error.pos[0], [], syntaxMessage(error.code, lineAround(text, error.pos[0])))
    if (error !== undefined || document.contents === null) continue
    if (isScalar(document.contents) && document.contents.value === null) continue
    values.push(readValue(document.contents, report, place))
  }
  return { values, problems }
}

function lineAround(text: string, offset: number): string {
  const end = text.indexOf('\n', offset)
  return text.slice(text.lastIndexOf('\n', offset - 1) + 1, end === -1 ? undefined : end)
}

type Report = (offset: number, path: Path, message: string) => void

/** Thrown to end the reading of a document that grows without end. */
class TooMuch extends Error {}

function readValue(root: ParsedNode, report: Report, place: (offset: number) => Place): SourceValue {
  const anchors = new Map<string, Node>()
  const keys = new Map<string, number>()
  const starts = new Map<string, number>()
  let count = 0

  function read(node: Node | null, path: Path, start: number): unknown {
    starts.set(pathText(path), start)
    if (++count > mostValues) {
      report(start, [], `expected at most ${mostValues} values, found more (aliases count each time)`)
      throw new TooMuch()
    }
    if (path.length > deepest) {
      report(start, [], `expected at most ${deepest} levels, found more`)
      throw new TooMuch()
    }
    if (node === null) return null
    if (isAlias(node)) {
      const target = anchors.get(node.source)
      if (target === undefined) report(start, path, syntaxMessage('BAD_ALIAS', ''))
      return target === undefined ? null : read(target, path, start)
    }
    if ('anchor' in node && node.anchor !== undefined) anchors.set(node.anchor, node)
    if (isScalar(node)) return node.value
    if (isSeq<ParsedNode>(node)) return node.items.map((item, index) => read(item, [...path, index], item.range?.[0] ?? start))
    return isMap<ParsedNode, ParsedNode | null>(node) ? readMap(node.items, path, start) : null
  }

  function readMap(items: readonly { key: ParsedNode; value: ParsedNode | null }[], path: Path, start: number): unknown {
    const map: Record<string, unknown> = Object.create(null)
    for (const pair of items) {
      const key = isScalar(pair.key) ? String(pair.key.value) : ''
      const at = [...path, key]
      const keyStart = pair.key.range?.[0] ?? start
      if (Object.hasOwn(map, key)) {
        const before = place(keys.get(pathText(at))!)
        report(keyStart, at, `expected each key once, found it again (first in line ${before.line})`)
        continue
      }
      keys.set(pathText(at), keyStart)
      map[key] = read(pair.value, at, pair.value?.range?.[0] ?? keyStart)
    }
    return map
  }

  let value: unknown = null
  try {
    value = read(root, [], root.range[0])
  } catch (error) {
    if (!(error instanceof TooMuch)) throw error
  }
  return {
    value,
    placeOf(path, part) {
      const own = part === 'key' ? keys.get(pathText(path)) : undefined
      if (own !== undefined) return place(own)
      for (let length = path.length; length >= 0; length--) {
        const text = pathText(path.slice(0, length))
        // Of a mapping in which something is missing, the key is more telling than its first line.
        const found = length < path.length ? (keys.get(text) ?? starts.get(text)) : starts.get(text)
        if (found !== undefined) return place(found)
      }
      return place(root.range[0])
    },
  }
}
