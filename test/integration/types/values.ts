import { type Canonical, canonicalNumber, canonicalTimestamp, type PrimitiveName, textOf } from '../canonical.ts'

/** One value: how a document has it, and how every reader should show it. */
export interface Value {
  /** JSON text; undefined: the member is left out. */
  readonly json: string | undefined
  readonly canonical: Canonical
  /** What the rescue column keeps beside it: normalized path from the value on, to JSON text. */
  readonly rescued?: readonly (readonly [path: string, json: string])[]
}

/** A primitive type, the unit of its times, and values of it that JSON can say exactly. */
export interface Kind {
  /** Part of columns' names. */
  readonly name: string
  /** As a document declares it. */
  readonly type: string
  /** As Iceberg calls it. */
  readonly iceberg: PrimitiveName
  readonly unit?: 's' | 'ms' | 'us' | 'ns'
  /** Values with little between them, so that predicates can leave a file of them out; all decimals are negative. */
  readonly ordinary: readonly Value[]
  /** The least, the greatest and what is most often wrong. */
  readonly edges: readonly Value[]
}

const plain = (...texts: string[]): Value[] => texts.map((text) => ({ json: text, canonical: text }))
const quoted = (...texts: string[]): Value[] => texts.map((text) => ({ json: JSON.stringify(text), canonical: text }))
const numbers = (...values: number[]): Value[] =>
  values.map((value) => ({ json: Object.is(value, -0) ? '-0.0' : String(value), canonical: canonicalNumber(value) }))
const floats = (...values: number[]): Value[] => numbers(...values.map(Math.fround))
const booleans = (...values: boolean[]): Value[] => values.map((value) => ({ json: String(value), canonical: value }))
const bytes = (...values: (readonly number[])[]): Value[] => quoted(...values.map((value) => Buffer.from(value).toString('base64')))
const repeated = (byte: number, times: number) => Array<number>(times).fill(byte)

const dates = (...days: string[]): Value[] =>
  days.map((day) => ({ json: JSON.stringify(day), canonical: String(Date.parse(`${day}T00:00:00Z`) / 86_400_000) }))
const times = (...texts: string[]): Value[] =>
  texts.map((text) => ({ json: JSON.stringify(text), canonical: canonicalTimestamp(`1970-01-01T${text}Z`) }))
const timestamps = (zone: '' | 'Z', ...texts: string[]): Value[] =>
  texts.map((text) => ({ json: JSON.stringify(text + zone), canonical: canonicalTimestamp(`${text}Z`) }))

const ordinaryTimes = ['12:34:56', '12:34:56.789', '20:17:40.000001']
const edgeTimes = ['00:00:00', '23:59:59.999999', '00:00:00.000001']
const ordinaryTimestamps = ['2024-02-29T12:34:56', '2026-01-01T00:00:00.123', '1970-01-01T00:00:00']
const edgeTimestamps = [
  '0001-01-01T00:00:00',
  '9999-12-31T23:59:59.999999',
  '1969-12-31T23:59:59.999999',
  '1969-07-20T20:17:40.000001',
  '1582-10-10T00:00:00',
]

/** Every primitive type that can be declared, times as ISO 8601 text. */
export const kinds: readonly Kind[] = [
  { name: 'boolean', type: 'boolean', iceberg: 'boolean', ordinary: booleans(false), edges: booleans(true, false) },
  {
    name: 'int',
    type: 'int',
    iceberg: 'int',
    ordinary: plain('7', '-5', '100'),
    edges: plain('2147483647', '-2147483648', '0'),
  },
  {
    name: 'long',
    type: 'long',
    iceberg: 'long',
    ordinary: plain('9007199254740993', '-9007199254740993', '42'),
    edges: plain('9223372036854775807', '-9223372036854775808', '0'),
  },
  {
    name: 'float',
    type: 'float',
    iceberg: 'float',
    ordinary: floats(1.5, -2.25, 0.1),
    edges: floats(3.4028234663852886e38, -3.4028234663852886e38, 2 ** -149, -0, 0),
  },
  {
    name: 'double',
    type: 'double',
    iceberg: 'double',
    ordinary: numbers(0.1, -1.5, 1e21),
    edges: numbers(1e308, -Number.MAX_VALUE, 5e-324, -0, 0),
  },
  {
    name: 'decimal_9_2',
    type: 'decimal(9,2)',
    iceberg: 'decimal(9, 2)',
    ordinary: plain('-12.30', '-0.05', '-1.00'),
    edges: plain('9999999.99', '-9999999.99', '0.00'),
  },
  {
    name: 'decimal_18_4',
    type: 'decimal(18,4)',
    iceberg: 'decimal(18, 4)',
    ordinary: plain('-12.3000', '-0.0005', '-1.0000'),
    edges: plain('99999999999999.9999', '-99999999999999.9999', '0.0000'),
  },
  {
    name: 'decimal_38_10',
    type: 'decimal(38,10)',
    iceberg: 'decimal(38, 10)',
    ordinary: plain('-12.3000000000', '-0.0000000005', '-1.0000000000'),
    edges: plain(`${'9'.repeat(28)}.9999999999`, `-${'9'.repeat(28)}.9999999999`, '0.0000000000'),
  },
  {
    name: 'string',
    type: 'string',
    iceberg: 'string',
    ordinary: quoted('apple', 'banana and on to more than sixteen', 'it\'s "quoted" \\ \n line'),
    edges: quoted(
      '',
      `${'\u{1F600}'.repeat(20)}z`,
      '\uFFFD after surrogates in UTF-16, before them in UTF-8',
      '\u{10FFFF}'.repeat(17),
      'é\u0000ü',
    ),
  },
  {
    name: 'binary',
    type: 'binary',
    iceberg: 'binary',
    ordinary: bytes([1, 2, 3], [1, 2, 3, 4], [0x7f]),
    edges: bytes([], repeated(255, 20), [0], [0x80]),
  },
  {
    name: 'uuid',
    type: 'uuid',
    iceberg: 'uuid',
    ordinary: quoted(
      '00000000-0000-4000-8000-000000000001',
      '12151fd2-7586-11e9-8f9e-2a86e4085a59',
      '7fffffff-ffff-4fff-bfff-ffffffffffff',
    ),
    edges: quoted('ffffffff-ffff-ffff-ffff-ffffffffffff', '80000000-0000-4000-8000-000000000000', '00000000-0000-0000-0000-000000000000'),
  },
  {
    name: 'date',
    type: 'date',
    iceberg: 'date',
    ordinary: dates('2024-02-29', '1970-01-01', '2026-01-01'),
    edges: dates('0001-01-01', '9999-12-31', '1969-12-31', '1582-10-10'),
  },
  { name: 'time', type: 'time', iceberg: 'time', ordinary: times(...ordinaryTimes), edges: times(...edgeTimes) },
  {
    name: 'timestamp',
    type: 'timestamp',
    iceberg: 'timestamp',
    ordinary: timestamps('', ...ordinaryTimestamps),
    edges: timestamps('', ...edgeTimestamps),
  },
  {
    name: 'timestamptz',
    type: 'timestamptz',
    iceberg: 'timestamptz',
    ordinary: timestamps('Z', ...ordinaryTimestamps),
    edges: timestamps('Z', ...edgeTimestamps),
  },
]

/** The times once more, written as numbers of each unit. */
export const numericKinds: readonly Kind[] = kinds
  .filter(({ type }) => ['date', 'time', 'timestamp', 'timestamptz'].includes(type))
  .flatMap((kind) =>
    (['s', 'ms', 'us', 'ns'] as const).map((unit): Kind => {
      const inUnit = ({ canonical }: Value): Value => ({ json: numeric(textOf(canonical), kind.type, unit), canonical })
      return { ...kind, name: `${kind.name}_${unit}`, unit, ordinary: kind.ordinary.map(inUnit), edges: kind.edges.map(inUnit) }
    }),
  )

/** A canonical time as a JSON number of units. */
function numeric(canonical: string, type: string, unit: 's' | 'ms' | 'us' | 'ns'): string {
  const micros = BigInt(canonical) * (type === 'date' ? 86_400_000_000n : 1n)
  if (unit === 'ns') return String(micros * 1000n)
  const places = { s: 6, ms: 3, us: 0 }[unit]
  const digits = String(micros < 0n ? -micros : micros).padStart(places + 1, '0')
  const whole = digits.slice(0, digits.length - places)
  const fraction = digits.slice(digits.length - places).replace(/0+$/, '')
  return `${micros < 0n ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`
}
