import { expect, test } from 'vitest'
import type { Vector } from '../../../../../src/formats/arrow/vector.ts'
import { columnOf } from '../../../../../src/formats/json/column.ts'
import { ExactPath } from '../../../../../src/formats/json/exact/exact-path.ts'
import { JsonRecords } from '../../../../../src/formats/json/json-records.ts'
import type { BadField, RecordShape } from '../../../../../src/formats/json/shape.ts'
import { Chance, documentOf, randomShape } from './random-documents.ts'

/** Shapes that are tried, and documents for each. */
const shapes = Math.ceil(Number(process.env.JSON_FUZZ_RUNS ?? 20_000) / 50)
const documentsPerShape = 50
const text = new TextDecoder('utf-8', { ignoreBOM: true })

test('the scanner and the exact path make the same columns and the same rescue text of any document', () => {
  let fast = 0
  let all = 0
  for (let seed = 1; seed <= shapes; seed++) {
    const chance = new Chance(seed)
    const shape = randomShape(chance)
    const documents = Array.from({ length: documentsPerShape }, () => documentOf(chance, shape))
    const scanned = new JsonRecords(shape)
    const found = documents.map((document) => {
      // Not at the start of its buffer, with strangers around it, now and then at the very end.
      const buffer = new Uint8Array(document.length + 3 + (chance.often(80) ? 20 : 0)).fill(chance.one([0x22, 0x7d, 0x20, 0x39, 0]))
      buffer.set(document, 3)
      return scanned.append(buffer, 3, 3 + document.length)
    })
    const expected = exactly(shape, documents)
    const differs = differenceOf(shape, scanned, found, expected)
    if (differs !== null) {
      const texts = documents.map((document) => text.decode(document)).join('\n')
      throw new Error(`seed ${seed}, ${differs}: ${JSON.stringify(shape)}\n${texts}`)
    }
    fast += documents.length - scanned.exactRecords
    all += documents.length
  }
  // A scanner that gives everything up would agree, too.
  expect(fast / all).toBeGreaterThan(0.1)
})

function differenceOf(
  shape: RecordShape,
  scanned: JsonRecords,
  found: readonly (BadField | null)[],
  expected: ReturnType<typeof exactly>,
): string | null {
  if (JSON.stringify(found) !== JSON.stringify(expected.bad)) return 'refused records'
  if (scanned.length !== expected.rescue.length) return `${scanned.length} of ${expected.rescue.length} rows`
  const rescue = scanned.rescue.snapshot()
  for (let row = 0; row < expected.rescue.length; row++) {
    const kept = isNull(rescue, row) ? null : text.decode(rescue.data.subarray(rescue.offsets[row], rescue.offsets[row + 1]))
    if (kept !== expected.rescue[row]) return `row ${row} rescued ${kept} for ${expected.rescue[row]}`
  }
  for (const [i, column] of scanned.columns.entries()) {
    if (!isSame(column.builder.snapshot(), expected.columns[i])) return `column ${shape.columns[i].path.join('.')}`
  }
  const { paths } = scanned.takeRescued()
  const counted = (counts: ReadonlyMap<string, number>) => JSON.stringify([...counts].toSorted(([a], [b]) => (a < b ? -1 : 1)))
  return counted(paths) === counted(expected.paths) ? null : `counted ${counted(paths)} for ${counted(expected.paths)}`
}

function exactly(shape: RecordShape, documents: readonly Uint8Array[]) {
  const columns = shape.columns.map((column) => columnOf(column.shape))
  const path = new ExactPath(shape, columns)
  const rescue: (string | null)[] = []
  const paths = new Map<string, number>()
  const bad = documents.map((document) => {
    const kept = path.append(document, 0, document.length)
    if ('bad' in kept) return kept.bad
    rescue.push(kept.rescue === null ? null : text.decode(kept.rescue))
    for (const one of kept.paths) paths.set(one, (paths.get(one) ?? 0) + 1)
    return null
  })
  return { columns: columns.map(({ builder }) => builder.snapshot()), rescue, bad, paths }
}

function isNull(vector: Vector, i: number): boolean {
  return vector.validity !== null && (vector.validity[i >> 3] & (1 << (i & 7))) === 0
}

/** Compares what slots hold; what lies in null slots is nobody's business. */
function isSame(a: Vector, b: Vector): boolean {
  if (a.layout !== b.layout || a.length !== b.length || a.nullCount !== b.nullCount) return false
  for (let i = 0; i < a.length; i++) if (isNull(a, i) !== isNull(b, i)) return false
  switch (a.layout) {
    case 'fixed':
      return a.values.every((value: number | bigint, i: number) => isNull(a, i) || Object.is(value, (b as typeof a).values[i]))
    case 'boolean':
      return Array.from({ length: a.length }, (_, i) => i).every(
        (i) => isNull(a, i) || ((a.values[i >> 3] ^ (b as typeof a).values[i >> 3]) & (1 << (i & 7))) === 0,
      )
    case 'decimal':
      return a.values.every((value, i) => isNull(a, i >> 1) || value === (b as typeof a).values[i])
    case 'fixed-bytes':
      return a.data.every((byte, i) => isNull(a, Math.floor(i / a.width)) || byte === (b as typeof a).data[i])
    case 'bytes':
      return sameSpans(a, b as typeof a) && Buffer.compare(a.data, (b as typeof a).data) === 0
    case 'list':
      return sameSpans(a, b as typeof a) && isSame(a.element, (b as typeof a).element)
    case 'map':
      return sameSpans(a, b as typeof a) && isSame(a.keys, (b as typeof a).keys) && isSame(a.values, (b as typeof a).values)
    case 'struct':
      return a.children.every((child, i) => isSame(child, (b as typeof a).children[i]))
  }
}

function sameSpans(a: { readonly offsets: Int32Array }, b: { readonly offsets: Int32Array }): boolean {
  return a.offsets.every((offset, i) => offset === b.offsets[i])
}
