import { countOffsets, intersectRanges, normalizeRanges, type OffsetRanges, subtractRanges } from '../../model/offset-range.ts'
import type { TopicPartition } from '../../model/topic-partition.ts'
import type { AlteredRange } from './books.ts'
import type { Finding, FindingKind } from './finding.ts'

/** Everything that is known of one topic-partition. */
export interface PartitionFacts {
  readonly table: string
  readonly at: TopicPartition
  /** Decided, without a row, and neither control record nor skipped; by the snapshot that removed the row. */
  readonly missing: ReadonlyMap<bigint | null, OffsetRanges>
  readonly duplicates: ReadonlyMap<bigint | null, OffsetRanges>
  /** Not decided, between offsets that are: with a segment, and without one. */
  readonly holes: OffsetRanges
  readonly gaps: OffsetRanges
  readonly altered: readonly AlteredRange[]
  readonly rewritten: OffsetRanges
}

/** What need not be reported. */
export interface Exemptions {
  /** Whether what a snapshot removed is known and meant. */
  readonly isAccepted: (snapshot: bigint) => boolean
  /** Whether it is a snapshot of ours, whose removals the table accepts itself: the old rows, of a table that keeps them for so long. */
  readonly isOurs: (snapshot: bigint) => boolean
  /** Offsets whose absence was accepted. */
  readonly accepted: OffsetRanges
}

export interface PartitionVerdict {
  readonly findings: readonly Finding[]
  readonly removed: bigint
  readonly accepted: bigint
}

/**
 * Makes findings of facts. What a file that was altered should hold is reported once, as altered; what was accepted is
 * counted instead, and what ours removed by itself: a snapshot of ours is believed no more than others. Pure.
 */
export function judgePartition(facts: PartitionFacts, { isAccepted, isOurs, accepted }: Exemptions): PartitionVerdict {
  const findings: Finding[] = []
  let [removed, exempt] = [0n, 0n]
  const report = (kind: FindingKind, ranges: OffsetRanges, snapshot: bigint | null) => {
    for (const [start, end] of ranges) {
      if (start < end)
        findings.push({ kind, table: facts.table, topic: facts.at.topic, partition: facts.at.partition, start, end, snapshot })
    }
  }
  const unlessAccepted = (ranges: OffsetRanges): OffsetRanges => {
    const left = subtractRanges(ranges, accepted)
    exempt += countOffsets(ranges) - countOffsets(left)
    return left
  }
  const damaged = normalizeRanges(facts.altered.map(({ range }) => range))
  const sound = (ranges: OffsetRanges): OffsetRanges => subtractRanges(ranges, damaged)
  for (const [snapshot, ranges] of facts.missing) {
    const left = sound(ranges)
    if (snapshot !== null && isOurs(snapshot)) {
      removed += countOffsets(intersectRanges(left, accepted))
      report('missing', subtractRanges(left, accepted), snapshot)
    } else if (snapshot !== null && isAccepted(snapshot)) exempt += countOffsets(left)
    else report('missing', unlessAccepted(left), snapshot)
  }
  for (const [snapshot, ranges] of facts.duplicates) report('duplicate', sound(ranges), snapshot)
  for (const [snapshot, ranges] of alteredBySnapshot(facts.altered)) report('altered', ranges, snapshot)
  report('hole', facts.holes, null)
  report('gap', unlessAccepted(facts.gaps), null)
  report('rewritten', facts.rewritten, null)
  return { findings, removed, accepted: exempt }
}

function alteredBySnapshot(altered: readonly AlteredRange[]): Map<bigint | null, OffsetRanges> {
  const all = Map.groupBy(altered, ({ snapshot }) => snapshot)
  return new Map([...all].map(([snapshot, own]) => [snapshot, normalizeRanges(own.map(({ range }) => range))]))
}

/** The part of a hole for which there is a segment, and the rest. */
export function splitHoles(holes: OffsetRanges, found: OffsetRanges): { readonly holes: OffsetRanges; readonly gaps: OffsetRanges } {
  return { holes: intersectRanges(holes, found), gaps: subtractRanges(holes, found) }
}
