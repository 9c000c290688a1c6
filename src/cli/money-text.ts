import type { Money } from '../pipeline/backfill/bill.ts'

/** An amount that was reckoned, to the hundredth. */
export function moneyText(value: number, { currency }: Pick<Money, 'currency'>): string {
  return value < 0.01 ? `less than 0.01 ${currency}` : `about ${value.toFixed(2)} ${currency}`
}
