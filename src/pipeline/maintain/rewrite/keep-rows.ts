import type { LeafRun } from '../../../formats/parquet/encode/row-group-writer.ts'
import { live } from '../../../formats/parquet/encode/shredded.ts'

/** Leaves out the rows of a leaf whose byte in `kept` is 0. A row's levels may lie in several runs. */
export function keepRows(runs: readonly LeafRun[], kept: Uint8Array): LeafRun[] {
  let row = -1
  let keeps = 0
  return runs.map((run): LeafRun => {
    const { length, repetition, definition, slots, first } = run
    const keptRepetition = repetition === null ? null : new Uint8Array(length)
    const keptDefinition = definition === null ? null : new Uint8Array(length)
    const keptSlots = new Int32Array(run.count)
    let [levels, count, value] = [0, 0, 0]
    for (let i = 0; i < length; i++) {
      if (repetition === null || repetition[i] === 0) keeps = kept[++row]
      const isLive = definition === null || definition[i] === live
      if (keeps === 1) {
        if (keptRepetition !== null) keptRepetition[levels] = repetition![i]
        if (keptDefinition !== null) keptDefinition[levels] = definition![i]
        if (isLive) keptSlots[count++] = slots === null ? first + value : slots[value]
        levels++
      }
      if (isLive) value++
    }
    return {
      ...run,
      length: levels,
      repetition: keptRepetition?.subarray(0, levels) ?? null,
      definition: keptDefinition === null || count === levels ? null : keptDefinition.subarray(0, levels),
      count,
      slots: keptSlots.subarray(0, count),
      first: 0,
    }
  })
}
