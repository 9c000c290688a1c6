import type { OffsetRange } from '../../model/offset-range.ts'
import type { Frontier } from '../../model/segment.ts'
import type { TopicPartition } from '../../model/topic-partition.ts'
import type { TaskCodec } from '../../seams/task-queue.ts'
import type { Definitions } from './commit-loop.ts'
import type { StartMark } from './committer.ts'
import type { TaskResult } from '../../pipeline/flow.ts'
import {
  answerVersion,
  decodeFailure,
  encodeFailure,
  encodeOutcome,
  readOutcome,
  hasHistory,
  readVersioned,
  version,
} from '../tasks/task-codec.ts'
import type { Reader } from '../../pipeline/wire/reader.ts'
import { encodeAt, encodeRanges, readAt, readRange, readRanges } from '../../pipeline/wire/task.ts'

/** Of commits of history, which an older program would take for the tail's. What tasks have beyond it is none of commits. */
const historyVersion = 3

/** What a committer is asked to commit. */
export interface CommitPayload {
  readonly table: string
  /** What the results were made for. */
  readonly definitions: Definitions
  readonly results: readonly TaskResult[]
  readonly marks: readonly StartMark[]
  readonly keepAlive: boolean
}

/** What came of it; results by their place in what was asked. The state is what the table says from then on. */
export interface CommitAnswer {
  readonly committed: readonly number[]
  readonly refused: readonly { readonly result: number; readonly reason: string }[]
  readonly held: readonly number[]
  readonly gaps: readonly { readonly at: TopicPartition; readonly range: OffsetRange }[]
}

/** Requests to commit, and their answers, as they stand in the queue. */
export const commitCodec: TaskCodec<CommitPayload, CommitAnswer> = {
  encodePayload: ({ table, definitions, results, marks, keepAlive }) => ({
    v: results.some(({ parts }) => hasHistory(parts)) ? historyVersion : version,
    table,
    definitions,
    results: results.map(encodeOutcome),
    marks: marks.map(({ at, ranges, frontier }) => [
      encodeAt(at),
      encodeRanges(ranges),
      ...(frontier === undefined ? [] : [encodeFrontier(frontier)]),
    ]),
    keepAlive,
  }),
  decodePayload(value) {
    const payload = readVersioned(value, 'commit', historyVersion)
    return {
      table: payload.field('table').text(),
      definitions: readDefinitions(payload.field('definitions')),
      // Whoever commits needs to know what a task came to, not which one it was.
      results: payload.field('results').list((result) => ({ task: { id: '', parts: [], bytes: 0 }, ...readOutcome(result) })),
      marks: payload.field('marks').list(readMark),
      keepAlive: payload.field('keepAlive').flag(),
    }
  },
  encodeResult: ({ committed, refused, held, gaps }, asked) => ({
    v: answerVersion(asked),
    committed,
    refused: refused.map(({ result, reason }) => [result, reason]),
    held,
    gaps: gaps.map(({ at, range }) => [encodeAt(at), encodeRanges([range])[0]]),
  }),
  decodeResult(value) {
    const answer = readVersioned(value, 'answer to a commit')
    return {
      committed: answer.field('committed').list((place) => place.number()),
      refused: answer.field('refused').list((one) => ({ result: one.at(0).number(), reason: one.at(1).text() })),
      held: answer.field('held').list((place) => place.number()),
      gaps: answer.field('gaps').list((gap) => ({ at: readAt(gap.at(0)), range: readRange(gap.at(1)) })),
    }
  },
  encodeFailure,
  decodeFailure,
}

function readDefinitions(definitions: Reader): Definitions {
  return {
    'table-uuid': definitions.field('table-uuid').text(),
    'current-schema-id': definitions.field('current-schema-id').number(),
    'default-spec-id': definitions.field('default-spec-id').number(),
    sourceId: definitions.field('sourceId').optional((id) => id.text()) ?? undefined,
  }
}

function readMark(mark: Reader): StartMark {
  const frontier = mark.at(2).optional(readFrontier)
  return { at: readAt(mark.at(0)), ranges: readRanges(mark.at(1)), ...(frontier !== undefined && { frontier }) }
}

function encodeFrontier({ baseOffset, size, etag, lastModifiedMs, maxTimestampMs }: Frontier): unknown[] {
  return [String(baseOffset), size, etag, lastModifiedMs, maxTimestampMs]
}

function readFrontier(frontier: Reader): Frontier {
  return {
    baseOffset: frontier.at(0).bigint(),
    size: frontier.at(1).number(),
    etag: frontier.at(2).text(),
    lastModifiedMs: frontier.at(3).number(),
    maxTimestampMs: frontier.at(4).nullable((ms) => ms.number()),
  }
}
