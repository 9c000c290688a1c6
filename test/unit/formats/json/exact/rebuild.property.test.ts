import fc from 'fast-check'
import { expect, test } from 'vitest'
import { columnOf } from '../../../../../src/formats/json/column.ts'
import { ExactPath } from '../../../../../src/formats/json/exact/exact-path.ts'
import type { RecordShape } from '../../../../../src/formats/json/shape.ts'
import { documentsOf, mutated } from '../documents.ts'
import { isSameJson, readJson } from '../plain-json.ts'
import { rebuild, type Rebuilt } from '../rebuild.ts'
import { recordShape } from '../shapes.ts'

/** Documents in all; those of one shape go into the same columns. */
const documents = Number(process.env['JSON_FUZZ_RUNS'] ?? 1500)
const documentsPerShape = 10
const runs = { numRuns: Math.ceil(documents / documentsPerShape) }

const batch = recordShape.chain((shape) => {
  const document = documentsOf(shape)
  const bytes = fc.oneof({ arbitrary: document.map((text) => Buffer.from(text)), weight: 9 }, mutated(document), fc.constant(null))
  return fc.record({
    shape: fc.constant(shape),
    values: fc.array(bytes, { minLength: documentsPerShape, maxLength: documentsPerShape }),
  })
})

test('columns and rescue text together give every document back', () => {
  fc.assert(
    fc.property(batch, ({ shape, values }) => {
      const { rows, columns } = filled(shape, values)
      rows.forEach(({ value, rescue }, row) => {
        const back = rebuild(shape, columns, rescue, row)
        if (!isBack(value, back)) expect.fail(`${value?.toString()} came back as ${shown(back)}, with ${rescue}`)
      })
    }),
    runs,
  )
})

test('nothing stands in a rescue text that the document could be told without', () => {
  fc.assert(
    fc.property(batch, fc.integer({ min: 0, max: 20 }), ({ shape, values }, leaveOut) => {
      const { rows, columns } = filled(shape, values)
      rows.forEach(({ value, rescue }, row) => {
        const entries = Object.entries(JSON.parse(rescue ?? '{}') as Record<string, string>)
        if (entries.length === 0) return
        const kept = entries.filter((_, i) => i !== leaveOut % entries.length)
        const back = rebuild(shape, columns, JSON.stringify(Object.fromEntries(kept)), row)
        if (isBack(value, back)) expect.fail(`${value?.toString()} comes back without ${entries[leaveOut % entries.length][0]}`)
      })
    }),
    runs,
  )
})

test('rescue texts are JSON without white space, of original texts in the order of the document', () => {
  fc.assert(
    fc.property(batch, ({ shape, values }) => {
      for (const { value, rescue, paths } of filled(shape, values).rows) {
        if (rescue === null || rescue.includes('$base64')) continue
        const entries = JSON.parse(rescue) as Record<string, string>
        expect(JSON.stringify(entries)).toBe(rescue)
        let at = 0
        for (const text of Object.values(entries)) {
          at = value!.toString().indexOf(text, at)
          expect(at).toBeGreaterThanOrEqual(0)
          at += text.length
        }
        const counted = Object.entries(entries).filter(([, text]) => text !== 'null')
        expect(paths.length).toBeGreaterThanOrEqual(counted.length)
      }
    }),
    runs,
  )
})

/** The documents that became rows, each with its rescue text, and the columns of these rows. */
function filled(shape: RecordShape, values: readonly (Buffer | null)[]) {
  const columns = shape.columns.map((column) => columnOf(column.shape))
  const path = new ExactPath(shape, columns)
  const rows: { value: Buffer | null; rescue: string | null; paths: readonly string[] }[] = []
  for (const value of values) {
    const kept = value === null ? path.appendNull() : path.append(...surrounded(value))
    if (kept === null) rows.push({ value, rescue: null, paths: [] })
    else if ('rescue' in kept) rows.push({ value, rescue: kept.rescue && Buffer.from(kept.rescue).toString(), paths: kept.paths })
    expect(columns.map(({ builder }) => builder.length)).toEqual(columns.map(() => rows.length))
  }
  return { rows, columns: columns.map(({ builder }) => builder.snapshot()) }
}

/** The document between bytes that are not its own. */
function surrounded(value: Buffer): [Uint8Array, number, number] {
  return [Buffer.concat([Buffer.from('9{'), value, Buffer.from('}}"9')]), 2, 2 + value.length]
}

function isBack(value: Buffer | null, back: Rebuilt): boolean {
  if (value === null) return back.kind === 'tombstone'
  if (back.kind === 'bytes') return back.base64 === value.toString('base64') && !value.equals(Buffer.from(value.toString()))
  if (back.kind === 'text') return back.text === value.toString() && !hasMembers(value)
  return back.kind === 'json' && hasMembers(value) && isSameJson(readJson(value.toString()), back.value)
}

function hasMembers(value: Buffer): boolean {
  try {
    const json = readJson(value.toString())
    return json instanceof Map && json.size > 0
  } catch {
    return false
  }
}

function shown(back: Rebuilt): string {
  return JSON.stringify(back, (_key, value: unknown) => (value instanceof Map ? Object.fromEntries(value) : value))
}
