import { readFileSync } from 'node:fs'

/** The text that the files in fixtures/ hold, compressed. */
export const plainText: Buffer = Buffer.from(
  Array.from({ length: 7000 }, (_, i) => `user${(i * i) % 13} Zürich ${i % 50 < 3 ? (i * 7919) % 1009 : '-'}\n`).join(''),
)

export function fixture(name: string): Buffer {
  return readFileSync(new URL(`fixtures/${name}`, import.meta.url))
}
