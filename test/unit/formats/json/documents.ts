import fc from 'fast-check'
import type { DecimalShape, RecordShape, Shape } from '../../../../src/formats/json/shape.ts'
import { anyName, anyNumber, anyString, anyValue, digits, objectText, space, written } from './json-texts.ts'
import { isoText, numericTime } from './time-texts.ts'

/** Texts of JSON documents that mean to fit a shape and often do not. */

const uuidText = fc.uuid().chain((text) => fc.constantFrom(text, text, text.toUpperCase(), text.replaceAll('-', ''), `${text} `))
const base64Text = fc.uint8Array({ maxLength: 9 }).chain((bytes) => {
  const text = Buffer.from(bytes).toString('base64')
  return fc.constantFrom(
    text,
    text,
    text,
    text.replace(/=+$/, ''),
    `${text}=`,
    text.replace(/.$/, 'B'),
    Buffer.from(bytes).toString('base64url'),
  )
})

/** A value of the shape's kind, as a text: mostly one that fits. */
function fitting(shape: Shape): fc.Arbitrary<string> {
  switch (shape.kind) {
    case 'boolean':
      return fc.constantFrom('true', 'false')
    case 'int':
    case 'long':
    case 'float':
    case 'double':
      return anyNumber
    case 'decimal':
      return fc.oneof(anyNumber, decimalText(shape))
    case 'string':
      return anyString
    case 'uuid':
      return uuidText.chain(written)
    case 'binary':
      return base64Text.chain(written)
    case 'date':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      return shape.unit === 'iso8601' ? isoText(shape).chain(written) : numericTime
    case 'struct':
      return membersText(shape.fields.map(({ key, shape: field }) => [key, fitting(field)]))
    case 'list': {
      const element = valueOf(fitting(shape.element))
      return fc.tuple(fc.array(element, { maxLength: 4 }), space).map(([elements, gap]) => `[${gap}${elements.join(`${gap},`)}${gap}]`)
    }
    case 'map': {
      const key = keyText(shape.key)
      return fc.array(fc.tuple(key.chain(written), valueOf(fitting(shape.value))), { maxLength: 4 }).chain(objectText)
    }
  }
}

/** With as many digits before and after the point as the column holds, or fewer. */
function decimalText({ precision, scale }: DecimalShape): fc.Arbitrary<string> {
  const whole = fc.nat({ max: precision - scale }).chain((length) => (length === 0 ? fc.constant('0') : digits(length)))
  const fraction = scale === 0 ? fc.constant('') : digits(scale).map((text) => `.${text}`)
  return fc
    .tuple(fc.constantFrom('', '-'), whole, fraction)
    .map(([sign, before, after]) => `${sign}${before.replace(/^0+(?=\d)/, '')}${after}`)
}

function keyText(shape: Shape): fc.Arbitrary<string> {
  const fit = fitting(shape).map((text) => (text.startsWith('"') ? (JSON.parse(text) as string) : text))
  return fc.oneof(
    { arbitrary: fit, weight: 4 },
    anyName,
    fc.constantFrom('1', '0', '-1', '01', '1.0', 'NaN', 'Infinity', '1e+21', '0.1', 'true'),
  )
}

/** Mostly the one given; sometimes null, or anything else. */
function valueOf(fit: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.oneof({ arbitrary: fit, weight: 12 }, fc.constant('null'), anyValue)
}

/** An object that has its members or not, once or more often, others too, in any order. */
function membersText(known: readonly (readonly [string, fc.Arbitrary<string>])[]): fc.Arbitrary<string> {
  const members = known.map(([name, fit]) => {
    const one = fc.tuple(written(name), valueOf(fit))
    return fc.oneof({ arbitrary: fc.array(one, { minLength: 1, maxLength: 1 }), weight: 6 }, fc.array(one, { maxLength: 2 }))
  })
  const others = fc.oneof({ arbitrary: fc.constant([]), weight: 3 }, fc.array(fc.tuple(anyName.chain(written), anyValue), { maxLength: 2 }))
  return fc
    .tuple(fc.tuple(...members), others, fc.integer())
    .chain(([found, more, turn]) => objectText(shuffled([...found.flat(), ...more], turn)))
}

function shuffled<T>(items: readonly T[], turn: number): T[] {
  const at = items.length === 0 ? 0 : Math.abs(turn) % items.length
  const turned = [...items.slice(at), ...items.slice(0, at)]
  return turn < 0 ? turned.toReversed() : turned
}

interface Tree extends Map<string, Tree | Shape> {}

/** Documents for a shape: JSON objects all of them. */
export function documentsOf({ columns }: RecordShape): fc.Arbitrary<string> {
  const root: Tree = new Map()
  for (const { path, shape } of columns) {
    let at = root
    for (const key of path.slice(0, -1)) {
      if (!at.has(key)) at.set(key, new Map())
      at = at.get(key) as Tree
    }
    at.set(path.at(-1)!, shape)
  }
  return treeText(root)
}

function treeText(tree: Tree): fc.Arbitrary<string> {
  return membersText([...tree].map(([key, inner]) => [key, inner instanceof Map ? treeText(inner) : fitting(inner)]))
}

/** A document with bytes or pieces of it left out, doubled, put in or changed: mostly no JSON any more. */
export function mutated(document: fc.Arbitrary<string>): fc.Arbitrary<Buffer> {
  const pieces = [
    ...'{}[]",:\\ \n\0-+.eE0129tfnu'.split(''),
    '\u00ff',
    '\\u12',
    '\\x',
    'true',
    'null',
    '1e',
    '01',
    '""',
    '\ufeff',
    '\ud800',
    '/**/',
    "'",
  ]
  const piece = fc.oneof(
    fc.constantFrom(...pieces).map((text) => Buffer.from(text)),
    fc.uint8Array({ minLength: 1, maxLength: 2 }).map((bytes) => Buffer.from(bytes)),
  )
  const change = fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    length: fc.constantFrom(0, 0, 1, 1, 2, 5),
    piece,
    isKept: fc.boolean(),
  })
  return fc.tuple(document, fc.array(change, { minLength: 1, maxLength: 2 })).map(([text, changes]) => {
    let bytes = Buffer.from(text)
    for (const { at, length, piece: inserted, isKept } of changes) {
      const from = Math.floor(at * bytes.length)
      bytes = Buffer.concat([bytes.subarray(0, from), isKept ? inserted : Buffer.alloc(0), bytes.subarray(from + length)])
    }
    return bytes
  })
}
