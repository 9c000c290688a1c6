import type { SingleValue } from './data-file.ts'

/** A text that two partition values of one spec share only where they are equal. */
export function partitionKey(partition: readonly SingleValue[]): string {
  return JSON.stringify(
    partition.map((value) => {
      if (value === null || typeof value === 'boolean') return value
      if (value instanceof Uint8Array) return ['bytes', Buffer.from(value).toString('hex')]
      return Object.is(value, -0) ? '-0' : [String(value)]
    }),
  )
}
