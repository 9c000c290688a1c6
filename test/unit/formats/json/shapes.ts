import fc from 'fast-check'
import type { ColumnShape, MapShape, RecordShape, Shape, TimeForm, TimeShape } from '../../../../src/formats/json/shape.ts'

/** Names that have something to trip over: in a path, in a JSON string, in an object of JavaScript. */
export const names = [
  'a',
  'b',
  'id',
  'customer',
  '',
  "it's",
  'a.b',
  'back\\slash',
  'say "x"',
  'line\nfeed',
  '\u0001\u001f\b\t\f\r',
  '\u007f\u2028',
  '\ud83d',
  '\udc00x',
  '😀',
  'é',
  '0',
  '$',
  '__proto__',
  'constructor',
  '[0]',
  'x'.repeat(40),
]

const name = fc.constantFrom(...names)

const form: fc.Arbitrary<TimeForm | null> = fc.option(
  fc.record({
    separator: fc.constantFrom('T' as const, ' ' as const),
    fraction: fc.integer({ min: 0, max: 9 }),
    zone: fc.constantFrom('Z', '+02:00', '-05:30', '+0130', 'z', '+00:00', '-18:00', '+18:00'),
  }),
)

const timeShape: fc.Arbitrary<TimeShape> = fc.record({
  kind: fc.constantFrom('date', 'time', 'timestamp', 'timestamptz'),
  unit: fc.constantFrom('iso8601', 'iso8601', 's', 'ms', 'us', 'ns'),
  form,
})

const decimalShape = fc
  .integer({ min: 1, max: 38 })
  .chain((precision) =>
    fc.record({ kind: fc.constant('decimal' as const), precision: fc.constant(precision), scale: fc.integer({ min: 0, max: precision }) }),
  )

const plainShape = fc.record({
  kind: fc.constantFrom('boolean', 'int', 'long', 'float', 'double', 'string', 'binary', 'uuid'),
})

const scalarShape = fc.oneof({ arbitrary: plainShape, weight: 3 }, decimalShape, timeShape) as fc.Arbitrary<MapShape['key']>

/** Shapes of every kind, a few levels deep. */
export const anyShape = fc.letrec<{ shape: Shape }>((tie) => ({
  shape: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    { arbitrary: scalarShape, weight: 4 },
    fc.record({
      kind: fc.constant('struct'),
      fields: fc.uniqueArray(fc.record({ key: name, shape: tie('shape') }), { selector: ({ key }) => key, maxLength: 4 }),
    }),
    fc.record({ kind: fc.constant('list'), element: tie('shape') }),
    fc.record({ kind: fc.constant('map'), key: scalarShape, value: tie('shape') }),
  ),
})).shape

/** An object of the document: a column, or members that lead to columns. */
type Tree = { readonly column: Omit<ColumnShape, 'path'> } | { readonly members: readonly (readonly [string, Tree])[] }

const tree = fc.letrec<{ tree: Tree; members: Tree }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 3 },
    {
      arbitrary: fc.record({ column: fc.record({ shape: anyShape, required: fc.integer({ min: 0, max: 19 }).map((n) => n === 0) }) }),
      weight: 5,
    },
    tie('members'),
  ),
  members: fc.record({
    members: fc.uniqueArray(fc.tuple(name, tie('tree')), { selector: ([key]) => key, maxLength: 5 }),
  }),
})).members

/** Shapes of records, columns beneath other names among them. */
export const recordShape: fc.Arbitrary<RecordShape> = tree.map((root) => ({ columns: columnsOf(root, []) }))

function columnsOf(node: Tree, path: readonly string[]): ColumnShape[] {
  if ('column' in node) return [{ path, ...node.column }]
  return node.members.flatMap(([key, inner]) => columnsOf(inner, [...path, key]))
}
