/**
 * A value as text: two that mean the same have one text, whichever engine wrote the file. Whole numbers have one of any width, and a
 * field of a struct that is null has the same as one that is not there.
 */
export function valueText(value: unknown): string {
  if (value === null || value === undefined) return '-'
  if (typeof value === 'string') return JSON.stringify(value)
  if (value instanceof Uint8Array) return `x${Buffer.from(value.buffer, value.byteOffset, value.length).toString('base64')}`
  if (value instanceof Date) return String(BigInt(value.getTime()) * 1000n)
  if (Array.isArray(value) || ArrayBuffer.isView(value)) return `[${Array.from(value as ArrayLike<unknown>, valueText).join(',')}]`
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean')
    return Object.is(value, -0) ? '-0' : String(value)
  const fields = Object.entries(value).filter(([, inner]) => inner !== null && inner !== undefined)
  return `{${fields.map(([name, inner]) => `${JSON.stringify(name)}:${valueText(inner)}`).join(',')}}`
}
