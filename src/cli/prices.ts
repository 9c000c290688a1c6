import { readFile } from 'node:fs/promises'
import { parseJson } from '../formats/json/exact.ts'
import { expectObject } from '../formats/json/expect.ts'
import { DocumentError } from '../model/failure.ts'
import type { OptionSpec } from './command.ts'
import { defaultPrices, type Prices } from '../pipeline/backfill/bill.ts'

/** The option that names other prices. */
export const pricesOption: OptionSpec = {
  flags: '--prices <file>',
  description: 'a JSON file with the prices to reckon with; docs/backfill.md has its keys',
}

/** Reads prices from a JSON file; keys that it leaves out keep their usual values. Throws a DocumentError that names file and key. */
export async function readPrices(file: string | undefined): Promise<Prices> {
  if (file === undefined) return defaultPrices
  try {
    const given = expectObject(parseJson(await readFile(file, 'utf8'), file), file)
    const prices: Record<string, unknown> = { ...defaultPrices }
    for (const [key, value] of Object.entries(given)) {
      const usual = prices[key]
      if (usual === undefined) throw new Error(`${file}: ${key} is no price; the prices are ${Object.keys(defaultPrices).join(', ')}`)
      const isRight = typeof usual === 'string' ? typeof value === 'string' : typeof value === 'number' && value >= 0
      if (!isRight) throw new Error(`${file}: ${key}: expected ${typeof usual === 'string' ? 'a name' : 'a number that is not below 0'}`)
      prices[key] = value
    }
    return prices as unknown as Prices
  } catch (error) {
    throw new DocumentError(`--prices: ${(error as Error).message}`)
  }
}
