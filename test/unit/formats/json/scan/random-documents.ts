import type { ColumnShape, RecordShape, Shape } from '../../../../../src/formats/json/shape.ts'

/** Repeatable chance (xorshift32). */
export class Chance {
  #state: number

  constructor(seed: number) {
    this.#state = (seed * 2_654_435_761) | 1
  }

  below(n: number): number {
    this.#state ^= this.#state << 13
    this.#state ^= this.#state >>> 17
    this.#state ^= this.#state << 5
    return (this.#state >>> 0) % n
  }

  often(percent: number): boolean {
    return this.below(100) < percent
  }

  one<T>(items: readonly T[]): T {
    return items[this.below(items.length)]
  }

  /** One of the usual items, or, in an odd document, of the odd ones. */
  of<T>(usual: readonly T[], odd: readonly T[]): T {
    return this.one(this.isOdd && this.often(40) ? odd : usual)
  }

  /** Whether the document at hand is to hold what few producers write. */
  isOdd = false
}

const keys = [
  'id',
  'a',
  'b',
  'order_id',
  'customer',
  'customer_id',
  'näme',
  '',
  "it's",
  'with space',
  'x.y',
  'q"q',
  'back\\slash',
  '😀',
  'abcd',
  'abc',
]
const plain = ['boolean', 'int', 'long', 'float', 'double', 'string', 'binary', 'uuid'] as const

/** A shape that documents of `documentOf` mostly fit. */
export function randomShape(chance: Chance): RecordShape {
  const columns: ColumnShape[] = []
  for (const key of sampleOf(chance, keys, 1 + chance.below(6))) {
    if (chance.often(15)) {
      for (const inner of sampleOf(chance, keys, 1 + chance.below(3)))
        columns.push({ path: [key, inner], shape: shapeOf(chance, 2), required: false })
    } else columns.push({ path: [key], shape: shapeOf(chance, 3), required: chance.often(5) })
  }
  // Levels of many members are scanned otherwise than those of few.
  if (chance.often(4)) for (let i = 0; i < 40; i++) columns.push({ path: [`wide${i}`], shape: shapeOf(chance, 0), required: false })
  return { columns }
}

function shapeOf(chance: Chance, depth: number): Shape {
  const kind = chance.below(depth > 0 ? 16 : 12)
  if (kind < 8) return { kind: plain[kind] }
  if (kind === 8) {
    const precision = 1 + chance.below(38)
    return { kind: 'decimal', precision, scale: chance.below(precision + 1) }
  }
  if (kind < 12) {
    const unit = chance.one(['iso8601', 'iso8601', 's', 'ms', 'us', 'ns'] as const)
    const which = chance.one(['date', 'time', 'timestamp', 'timestamptz'] as const)
    const form =
      which === 'date' || unit !== 'iso8601' || chance.often(40)
        ? null
        : {
            separator: chance.one(['T', ' '] as const),
            fraction: chance.one([0, 1, 3, 3, 6, 9]),
            zone: which === 'timestamptz' ? chance.one(['Z', 'Z', '+02:00', '-11:30']) : '',
          }
    return { kind: which, unit, form }
  }
  if (kind < 14) {
    const fields = sampleOf(chance, keys, 1 + chance.below(4)).map((key) => ({ key, shape: shapeOf(chance, depth - 1) }))
    return { kind: 'struct', fields }
  }
  if (kind === 14) return { kind: 'list', element: shapeOf(chance, depth - 1) }
  const key = chance.often(70) ? ({ kind: 'string' } as const) : { kind: chance.one(['int', 'long', 'boolean', 'uuid'] as const) }
  return { kind: 'map', key, value: shapeOf(chance, depth - 1) }
}

function sampleOf<T>(chance: Chance, items: readonly T[], count: number): T[] {
  const left = [...items]
  return Array.from({ length: count }, () => left.splice(chance.below(left.length), 1)[0])
}

/** The text of a document for a shape: most of it fits; some of it is odd; a few bytes may be spoilt. */
export function documentOf(chance: Chance, shape: RecordShape): Uint8Array {
  chance.isOdd = chance.often(50)
  const tree = new Map<string, readonly ColumnShape[]>(Map.groupBy(shape.columns, (column) => column.path[0]))
  const members: [string, string][] = []
  for (const [key, columns] of tree) {
    if (chance.often(15)) continue
    const [first] = columns
    members.push([key, first.path.length === 1 ? valueOf(chance, first.shape) : groupOf(chance, columns)])
  }
  const text = objectText(chance, members)
  const bytes = new TextEncoder().encode(
    chance.often(3) ? chance.one(['', ' ', '[1]', 'null', '"s"', '{}', ' { } ', '﻿{}', '{"a":1}x']) : text,
  )
  if (!chance.isOdd || !chance.often(16) || bytes.length === 0) return bytes
  const at = chance.below(bytes.length)
  if (chance.often(40)) return bytes.subarray(0, at)
  const spoilt = bytes.slice()
  spoilt[at] = chance.often(50) ? chance.below(256) : chance.one(Buffer.from('{}[]",:0eE.-\\u \n').toJSON().data)
  return spoilt
}

function groupOf(chance: Chance, columns: readonly ColumnShape[]): string {
  if (chance.isOdd && chance.often(15)) return anything(chance, 1)
  return objectText(
    chance,
    columns.filter(() => chance.often(80)).map(({ path, shape }) => [path[1], valueOf(chance, shape)]),
  )
}

/** Members with white space, unknown ones between them, and now and then one that stands there twice. */
function objectText(chance: Chance, members: [string, string][]): string {
  const all = chance.often(20) ? members.toSorted(() => chance.below(3) - 1) : [...members]
  if (chance.often(25))
    all.splice(chance.below(all.length + 1), 0, [
      chance.one([...keys, 'unknown', 'more', 'k'.repeat(chance.below(30))]),
      anything(chance, 2),
    ])
  if (chance.isOdd && chance.often(10) && all.length > 0) all.push([chance.one(all)[0], anything(chance, 1)])
  const gap = chance.often(70) ? () => '' : () => chance.one(['', ' ', '\n', ' \t', '\r\n  '])
  const parts = all.map(([key, value]) => `${gap()}${keyText(chance, key)}${gap()}:${gap()}${value}${gap()}`)
  return `{${parts.join(',')}${all.length === 0 ? gap() : ''}}`
}

function keyText(chance: Chance, key: string): string {
  const text = JSON.stringify(key)
  return chance.isOdd && chance.often(5) ? text.replace(/[a-z]/, (c) => `\\u00${c.charCodeAt(0).toString(16)}`) : text
}

function valueOf(chance: Chance, shape: Shape): string {
  if (chance.often(6)) return 'null'
  if (chance.isOdd && chance.often(8)) return anything(chance, 2)
  switch (shape.kind) {
    case 'boolean':
      return chance.one(['true', 'false'])
    case 'int':
      return chance.of(
        [String(chance.below(1000)), '-2147483648', '2147483647', '0', '-7'],
        [String(chance.below(1000)), '-2147483648', '2147483647', '2147483648', '-0', '0', '1.0', '1e3', '-7', '01'],
      )
    case 'long':
      return chance.of(
        [String(chance.below(1e9)), `-${chance.below(1e9)}`, '9007199254740993', '9223372036854775807'],
        [
          String(chance.below(1e9)),
          `${chance.below(1e9)}${chance.below(1e9)}`,
          '9223372036854775807',
          '-9223372036854775808',
          '9223372036854775808',
          '9007199254740993',
          '-0.0',
          '5e2',
          '-12',
          '100000000000000000000000000000000000000000000000000',
        ],
      )
    case 'float':
      return chance.of(['0.5', '1', '2.5', '-1.25'], ['0.5', '0.1', '1', '-0.0', '16777217', '3.4e39', '1e-50', '2.5', '1.25'])
    case 'double':
      return chance.of(
        [`${chance.below(10_000) / 100}`, '0.1', '561.20', '-0.0', '3', '0.30000000000000004', '5e-324'],
        [
          `${chance.below(10_000) / 100}`,
          '0.1',
          '561.20',
          '-0.0',
          '-0',
          '1e400',
          '1e-400',
          '123456789012345678',
          '0.30000000000000004',
          '0.300000000000000040',
          '1e21',
          '1e+21',
          '12345678901234567',
          '5e-324',
          '1.7976931348623157e308',
          '3.141592653589793238',
          '0.000001',
          '1E5',
        ],
      )
    case 'decimal':
      return chance.of(
        ['0', '1', '-1'],
        [
          '0',
          '1',
          '-1',
          '12.5',
          '12.50',
          '0.005',
          '99999999',
          '-0',
          '-0.00',
          `${chance.below(1e6)}.${chance.below(100)}`,
          '123456789012345678901234567890',
          '1e2',
        ],
      )
    case 'string':
      return stringText(chance)
    case 'uuid':
      return chance.of(
        ['"0f14d0ab-9605-4a62-a9e4-5ed26688389b"'],
        [
          '"0f14d0ab-9605-4a62-a9e4-5ed26688389b"',
          '"0F14D0AB-9605-4A62-A9E4-5ED26688389B"',
          '"0f14d0ab96054a62a9e45ed26688389b"',
          '"zf14d0ab-9605-4a62-a9e4-5ed26688389b"',
        ],
      )
    case 'binary':
      return chance.of(['""', '"AAAA"', '"AA=="', '"/+=="'], ['""', '"AAAA"', '"AA=="', '"AB=="', '"AA"', '"/+=="', '"_-8="', '"A\\/8="'])
    case 'date':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      return shape.unit === 'iso8601' || chance.often(5) ? timeText(chance, shape.kind) : epochText(chance)
    case 'struct':
      return objectText(
        chance,
        shape.fields.filter(() => chance.often(85)).map(({ key, shape: inner }) => [key, valueOf(chance, inner)]),
      )
    case 'list':
      return `[${Array.from({ length: chance.below(4) }, () => valueOf(chance, shape.element)).join(chance.often(80) ? ',' : ' , ')}]`
    case 'map':
      return objectText(
        chance,
        Array.from({ length: chance.below(4) }, () => [mapKey(chance, shape.key.kind), valueOf(chance, shape.value)]),
      )
  }
}

function mapKey(chance: Chance, kind: string): string {
  if (kind === 'boolean') return chance.one(['true', 'false', 'TRUE'])
  if (kind === 'uuid') return '0f14d0ab-9605-4a62-a9e4-5ed26688389b'
  if (kind === 'string') return chance.one(keys)
  return chance.one(['1', '-5', '007', '9007199254740993', 'x'])
}

function stringText(chance: Chance): string {
  return chance.of(
    [
      '""',
      '"a"',
      '"abcd"',
      '"with \\"quotes\\" and \\\\ and \\/"',
      '"grüße ✓ 😀"',
      '"\\u00fc\\u2713\\ud83d\\ude00\\u0000"',
      `"${'long text '.repeat(chance.below(20))}"`,
    ],
    [
      '""',
      '"a"',
      '"abcd"',
      '"with \\"quotes\\" and \\\\ and \\/"',
      '"\\b\\f\\n\\r\\t"',
      '"grüße ✓ 😀"',
      '"\\u00fc\\u2713\\ud83d\\ude00\\u0000"',
      '"\\ud800"',
      '"\\ude00\\ud83d"',
      '"\\ud83dx"',
      '"\\u12"',
      '"\\x"',
      '"tab\there"',
      `"${'long text '.repeat(chance.below(20))}"`,
      JSON.stringify(String.fromCharCode(chance.below(0x800), 32 + chance.below(90))),
    ],
  )
}

function timeText(chance: Chance, kind: string): string {
  const date = chance.one([
    '2024-02-29',
    '2023-02-29',
    '1969-12-31',
    '0001-01-01',
    '9999-12-31',
    '0000-01-01',
    '2024-13-01',
    '2024-6-7',
    '1600-03-01',
    '2300-01-01',
  ])
  if (kind === 'date') return `"${date}"`
  const clock = chance.of(['00:00:00', '23:59:59', '07:08:09'], ['23:59:59', '24:00:00', '12:34', '12:34:60', '07:08:09'])
  const fraction = chance.of(['', '.123'], ['.100', '.000', '.123456', '.123000', '.123456789', '.123456000', '.5', '.', '.1234567890'])
  if (kind === 'time') return `"${clock}${fraction}"`
  const zone = chance.one(
    kind === 'timestamp' ? ['', '', '', 'Z'] : ['Z', 'Z', 'Z', '+02:00', '-11:30', '+0200', 'z', '', '+19:00', '+00:00'],
  )
  return `"${date}${chance.of(['T'], ['T', ' ', 't'])}${clock}${fraction}${zone}"`
}

function epochText(chance: Chance): string {
  return chance.one([
    '0',
    '-1',
    '1717718400',
    '1717718400123',
    '1717718400123456',
    '1717718400123456789',
    '1717718400123456000',
    '1717718400.123',
    '1e9',
    '253402300800',
    '86400',
    '86400000',
    '-62135596800',
    '-62135596801',
    '1.5',
    '99999999999999999999',
  ])
}

/** A value of any kind. */
export function anything(chance: Chance, depth: number): string {
  switch (chance.below(depth > 0 ? 9 : 6)) {
    case 0:
      return chance.one(['true', 'false', 'null'])
    case 1:
      return chance.one(['0', '-1', '1.5', '1e3', '1E-7', '12345678901234567890', '-', '1.', '.5', '+1', '0x1', 'NaN'])
    case 2:
    case 3:
      return stringText(chance)
    case 4:
      return chance.one(['tru', 'nul', 'falsee', '{', ']', '""""'])
    case 5:
      return String(chance.below(1e9))
    case 6:
      return `[${Array.from({ length: chance.below(3) }, () => anything(chance, depth - 1)).join(', ')}]`
    case 7:
      return '{}'
    default:
      return `{ "k" : ${anything(chance, depth - 1)}, "k2":${anything(chance, depth - 1)} }`
  }
}
