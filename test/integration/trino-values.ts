import { type Canonical, canonicalNumber, canonicalTimestamp, inKeyOrder } from './canonical.ts'

/** A type in the answers of Trino's statement protocol. */
export interface TrinoType {
  readonly rawType: string
  readonly arguments: readonly TrinoTypeArgument[]
}

type TrinoTypeArgument =
  | { readonly kind: 'TYPE'; readonly value: TrinoType }
  | { readonly kind: 'NAMED_TYPE'; readonly value: { readonly fieldName: { readonly name: string }; readonly typeSignature: TrinoType } }
  | { readonly kind: 'LONG'; readonly value: number }

/** The canonical form of a value of Trino's JSON answers; a map's keys are there as text, whatever their type. */
export function canonicalTrino(type: TrinoType, value: unknown): Canonical {
  if (value === null) return null
  switch (type.rawType) {
    case 'boolean':
      return value === true || value === 'true'
    case 'real':
      return canonicalNumber(Math.fround(Number(value)))
    case 'double':
      return canonicalNumber(Number(value))
    case 'date':
      return String(Date.parse(`${textOf(value)}T00:00:00Z`) / 86_400_000)
    case 'time':
      return canonicalTimestamp(`1970-01-01T${textOf(value)}Z`)
    case 'timestamp':
      return canonicalTimestamp(`${textOf(value).replace(' ', 'T')}Z`)
    case 'timestamp with time zone':
      return canonicalTimestamp(textOf(value).replace(' ', 'T').replace(/ UTC$/, 'Z'))
    case 'array':
      return (value as unknown[]).map((element) => canonicalTrino(typeAt(type, 0), element))
    case 'row':
      return Object.fromEntries(
        type.arguments.flatMap((argument, i) =>
          argument.kind === 'NAMED_TYPE'
            ? [[argument.value.fieldName.name, canonicalTrino(argument.value.typeSignature, (value as unknown[])[i])]]
            : [],
        ),
      )
    case 'map':
      return inKeyOrder(
        Object.entries(value as Record<string, unknown>).map(([key, item]) => [
          canonicalTrino(typeAt(type, 0), key),
          canonicalTrino(typeAt(type, 1), item),
        ]),
      )
    default: // whole numbers, decimals, text, uuid, and varbinary in base64
      return textOf(value)
  }
}

/** JSON's text as it is, a number's digits. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'bigint') return value.toString()
  throw new TypeError(`Trino gave ${JSON.stringify(value)} for a text or a number`)
}

function typeAt(type: TrinoType, i: number): TrinoType {
  const argument = type.arguments[i]
  if (argument.kind !== 'TYPE') throw new TypeError(`${type.rawType} has no type at ${i}`)
  return argument.value
}
