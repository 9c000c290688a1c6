import * as fc from 'fast-check'
import type { ColumnType } from '../../../src/spec/column-type.ts'

export const plainType: fc.Arbitrary<ColumnType> = fc.oneof(
  fc
    .constantFrom('boolean', 'int', 'long', 'float', 'double', 'string', 'binary', 'uuid', 'date', 'time', 'timestamp', 'timestamptz')
    .map((type): ColumnType => ({ type })),
  fc
    .integer({ min: 1, max: 38 })
    .chain((precision) => fc.integer({ min: 0, max: precision }).map((scale): ColumnType => ({ type: 'decimal', precision, scale }))),
)

/** Text with everything that parts words, halves of surrogate pairs among it. */
const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc
    .array(fc.constantFrom("'", '\\', '`', '"', ' ', '<', ':', ',', '\n', '\u0001', '\ud83d', '\ude00', 'a', 'é', '$', ']'))
    .map((parts) => parts.join('')),
)

/** Any type of the grammar. A struct's field may stand at a key that is not its name. */
export const { anyType } = fc.letrec<{ anyType: ColumnType }>((tie) => ({
  anyType: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    plainType,
    tie('anyType').map((element): ColumnType => ({ type: 'list', element })),
    fc.tuple(plainType, tie('anyType')).map(([key, value]): ColumnType => ({ type: 'map', key, value })),
    fc
      .uniqueArray(fc.record({ name: anyText.filter((name) => name !== ''), key: anyText, type: tie('anyType') }), {
        minLength: 1,
        maxLength: 4,
        selector: ({ name }) => name.toLowerCase(),
      })
      .map((fields): ColumnType => ({
        type: 'struct',
        fields: fields.map((field, i) => ({
          ...field,
          key: fields.findIndex(({ key }) => key === field.key) === i ? field.key : `${field.key}#${i}`,
        })),
      })),
  ),
}))
