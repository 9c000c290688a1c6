import { execFile, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { IcebergType, NestedField } from '../../src/formats/iceberg/schema.ts'
import { type RewriteTarget, rewriteGroup } from '../../src/service/tasks/rewriter.ts'
import { groupOf, liveFile, tableOf, targetOf } from '../unit/pipeline/maintain/rewriting.ts'
import { python } from './servers.ts'

/** What pyarrow wrote. */
interface Written {
  readonly path: string
  readonly rows: number
  readonly size: number
  /** Without field ids: its columns are known by a name mapping. */
  readonly named: boolean
}

const program = join(import.meta.dirname, 'readers', 'parquet_files.py')
let directory: string
let files: readonly Written[]
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'foreign-files-'))
  const { stdout } = await promisify(execFile)(python, [program, 'write', directory], { maxBuffer: 1 << 24 })
  files = JSON.parse(stdout) as Written[]
}, 120_000)
afterAll(() => rm(directory, { recursive: true, force: true }))

const struct = (x: number): IcebergType => ({
  type: 'struct',
  fields: [
    { id: x, name: 'x', required: false, type: 'long' },
    { id: x + 1, name: 'y', required: false, type: 'string' },
  ],
})
const list = (id: number, element: IcebergType): IcebergType => ({ type: 'list', 'element-id': id, 'element-required': false, element })
const columns: readonly (readonly [name: string, type: IcebergType])[] = [
  ['b', 'boolean'],
  ['i', 'int'],
  ['l', 'long'],
  ['f', 'float'],
  ['d', 'double'],
  ['small', 'decimal(9, 2)'],
  ['medium', 'decimal(18, 3)'],
  ['large', 'decimal(38, 10)'],
  ['date', 'date'],
  ['time', 'time'],
  ['ts', 'timestamp'],
  ['tz', 'timestamptz'],
  ['s', 'string'],
  ['few', 'string'],
  ['bin', 'binary'],
  ['fixed', 'fixed[7]'],
  ['st', struct(100)],
  ['li', list(110, 'int')],
  ['ls', list(111, struct(112))],
  ['m', { type: 'map', 'key-id': 114, key: 'string', 'value-id': 115, 'value-required': false, value: list(116, 'double') }],
]
const deep: NestedField = {
  id: 21,
  name: 'deep',
  required: false,
  type: { type: 'struct', fields: [{ id: 120, name: 'lists', required: false, type: list(121, list(122, 'string')) }] },
}
const fields: readonly NestedField[] = [...columns.map(([name, type], i) => ({ id: i + 1, name, required: name === 'l', type })), deep]

/** Files on the disk by their paths. */
const io: RewriteTarget['io'] = {
  async read(uri, range) {
    const bytes = await readFile(uri)
    return range === undefined ? bytes : bytes.subarray(range.start, range.end)
  },
  async write(uri, chunks) {
    const parts: Uint8Array[] = []
    for await (const chunk of chunks) parts.push(chunk.slice())
    await writeFile(uri, parts)
    return parts.reduce((sum, { length }) => sum + length, 0)
  },
  remove: (uri) => rm(uri),
}

interface Mapped {
  readonly 'field-id': number
  readonly names: readonly string[]
  readonly fields?: readonly Mapped[]
}

/** The name mapping of the columns (table specification, "Name Mapping Serialization"). */
function mappingOf(all: readonly NestedField[]): Mapped[] {
  return all.map(({ id, name, type }) => ({ 'field-id': id, names: [name], ...insideOf(type) }))
}

function insideOf(type: IcebergType): { fields?: readonly Mapped[] } {
  if (typeof type === 'string') return {}
  if (type.type === 'struct') return { fields: mappingOf(type.fields) }
  const parts: readonly (readonly [name: string, id: number, type: IcebergType])[] =
    type.type === 'list'
      ? [['element', type['element-id'], type.element]]
      : [
          ['key', type['key-id'], type.key],
          ['value', type['value-id'], type.value],
        ]
  return { fields: parts.map(([name, id, own]) => ({ 'field-id': id, names: [name], ...insideOf(own) })) }
}

async function differences(pairs: readonly (readonly [string, string])[]): Promise<unknown> {
  const child = spawn(python, [program, 'compare'], { stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.end(JSON.stringify(pairs))
  return JSON.parse(await text(child.stdout))
}

test.each([null, 3])(
  'files that pyarrow wrote in any way have the same rows when they are rewritten, sorted by column %s',
  async (sortBy) => {
    const pairs: [string, string][] = []
    const properties = { 'schema.name-mapping.default': JSON.stringify(mappingOf(fields)) }
    for (const { path, rows, named } of files) {
      const bytes = await readFile(path)
      let outputs = 0
      const target = targetOf(io, {
        newLocation: () => `${path}.${sortBy}.${outputs++}`,
        ...(sortBy !== null && {
          memoryLimitBytes: 1,
          sortOrder: {
            'order-id': 1,
            fields: [{ 'source-id': sortBy, transform: 'identity', direction: 'asc', 'null-order': 'nulls-first' }],
          },
        }),
      })
      const table = tableOf(fields, named ? { properties } : {})
      const result = await rewriteGroup(groupOf([liveFile(path, bytes, rows)]), table, target)
      expect(result.files, path).toHaveLength(rows === 0 ? 0 : 1)
      if (rows > 0) pairs.push([path, result.files[0].filePath])
    }
    expect(pairs.length).toBeGreaterThan(30)
    expect(await differences(pairs)).toEqual([])
  },
)
