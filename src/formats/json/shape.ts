/**
 * What JSON documents become: columns, each with the place in the document where its value stands and the form that it must have.
 * Shapes know nothing of tables; a table's schema and the document's units are put into one where a table is opened.
 */

/** How a date or a time is written: as text (ISO 8601), or as a number of units since 1970-01-01T00:00:00Z (a time: since midnight). */
export type TimeUnit = 'iso8601' | 's' | 'ms' | 'us' | 'ns'

/**
 * The one form in which a column's times are written as text: what is written otherwise is kept in the rescue column beside the
 * value. `fraction`: digits after the seconds. `zone`: `Z`, `+02:00`, or empty.
 */
export interface TimeForm {
  readonly separator: 'T' | ' '
  readonly fraction: number
  readonly zone: string
}

export type Shape = PlainShape | DecimalShape | TimeShape | StructShape | ListShape | MapShape

/**
 * string, binary (text in base64, RFC 4648 section 4), uuid (text in lower case): JSON strings. int, long, float, double: JSON numbers.
 */
export interface PlainShape {
  readonly kind: 'boolean' | 'int' | 'long' | 'float' | 'double' | 'string' | 'binary' | 'uuid'
}

/** A JSON number that is unscaled × 10^−scale exactly, of at most `precision` digits. */
export interface DecimalShape {
  readonly kind: 'decimal'
  readonly precision: number
  readonly scale: number
}

/** date: days; time: microseconds since midnight; timestamp, timestamptz: microseconds since 1970. */
export interface TimeShape {
  readonly kind: 'date' | 'time' | 'timestamp' | 'timestamptz'
  readonly unit: TimeUnit
  /** For `iso8601` and not date: null where none was chosen, which means `T`, as many of 0, 3, 6 digits as are needed, and `Z` for timestamptz. */
  readonly form: TimeForm | null
}

export interface StructShape {
  readonly kind: 'struct'
  readonly fields: readonly { readonly key: string; readonly shape: Shape }[]
}

export interface ListShape {
  readonly kind: 'list'
  readonly element: Shape
}

/** An object with any keys. A key that the key's shape can not hold is kept in the rescue column with its value. */
export interface MapShape {
  readonly kind: 'map'
  readonly key: PlainShape | DecimalShape | TimeShape
  readonly value: Shape
}

/** A column, and where its value stands: the keys that lead to it, at least one. */
export interface ColumnShape {
  readonly path: readonly string[]
  readonly shape: Shape
  /** Whether a document without a value for it, or with one that does not fit, can not become a row. */
  readonly required: boolean
}

/** Columns of one document; no column's path begins with another's. */
export interface RecordShape {
  readonly columns: readonly ColumnShape[]
}

/** Why a document can not become a row: a required column's value is missing, null or of another kind. */
export interface BadField {
  /** RFC 9535 normalized path. */
  readonly path: string
  readonly message: string
}
