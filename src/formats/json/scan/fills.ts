import type { Builder } from '../../arrow/builders/builder.ts'
import type { BytesBuilder } from '../../arrow/builders/bytes.ts'

/** Entries of a map up to which each key is compared with those before it. */
const maxEntries = 64

/** A null slot for each member that was not met in this visit; false where one of them is required (its builders are null). */
export function fillAbsent(members: readonly (readonly Builder[] | null)[], seen: Float64Array, visit: number): boolean {
  for (let i = 0; i < members.length; i++) {
    if (seen[i] === visit) continue
    const builders = members[i]
    if (builders === null) return false
    for (const builder of builders) builder.appendNull()
  }
  return true
}

/** Whether the last slot's bytes stand in one of those from `first` on; also where there are too many to look. */
export function isRepeated(keys: BytesBuilder, first: number): boolean {
  const { offsets, data, length } = keys
  const last = length - 1
  if (last - first > maxEntries) return true
  const size = offsets[length] - offsets[last]
  for (let i = first; i < last; i++) {
    if (offsets[i + 1] - offsets[i] !== size) continue
    let k = 0
    while (k < size && data[offsets[i] + k] === data[offsets[last] + k]) k++
    if (k === size) return true
  }
  return false
}
