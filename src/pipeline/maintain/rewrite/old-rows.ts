import type { RowAge } from '../row-age.ts'
import type { RowMatcher } from './equality-deletes.ts'
import { valuesOf } from './run-values.ts'

/** Takes out the rows that are too old. Those without a time stay. */
export function oldRows({ field, before }: RowAge): RowMatcher {
  return {
    fields: [field],
    remove([runs], kept) {
      const times = valuesOf(runs, kept.length)
      for (let row = 0; row < kept.length; row++) {
        const time = times.bigint(row)
        if (time !== null && time < before) kept[row] = 0
      }
    },
  }
}
