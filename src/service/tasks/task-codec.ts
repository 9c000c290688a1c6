import type { SortOrder, TableMetadata } from '../../formats/iceberg/table-metadata.ts'
import { WorkError } from '../../model/failure.ts'
import { NewerVersion, type TaskCodec } from '../../seams/task-queue.ts'
import { TableChanged } from '../feed/commit-loop.ts'
import type { TableLayout, TaskResult } from '../../pipeline/flow.ts'
import type { TablePayload } from './task-payload.ts'
import type { TaskTarget, Treatment } from './worker.ts'
import { encodeDataFile, readDataFile } from '../../pipeline/wire/data-file.ts'
import { Reader } from '../../pipeline/wire/reader.ts'
import { encodeRewrite, readRewrite } from './rewrite-codec.ts'
import { encodeTask, readTask } from '../../pipeline/wire/task.ts'
import { encodeTranslated, readTranslated } from '../../pipeline/wire/translated-part.ts'
import type { PartitionSource } from '../../pipeline/write/partition/partition-source.ts'

/**
 * The newest version of what travels between processes. A change that an older program would misread makes a new one: then this program
 * goes on reading the one before, and answers a task in the version that it came in, so that a fleet can be upgraded process by process
 * and rolled back. What is newer than this program is refused before anything is done with it. It is part of the tasks' ids: what an
 * older program could not read is never found by it in the place of its own.
 */
export const version = 1
/**
 * Version 2 is of tasks for partitioned tables, since an older program would write their rows into one file, and of history, which it would
 * take for a part of the tail; version 3 of rewrites, which it would not know; version 4 of tasks that convert old messages, at which it would stop.
 */
const newestVersion = 4
/** Of tasks for partitioned tables and of history. */
const partsVersion = 2
const rewritesVersion = 3

/** Whether one of the parts is of history. */
export function hasHistory(parts: readonly { readonly history?: true }[]): boolean {
  return parts.some(({ history }) => history === true)
}

/** Tasks and their results as they stand in the queue. */
export const taskCodec: TaskCodec<TablePayload, TaskResult> = {
  encodePayload({ task, table, target, rewrite }) {
    const encoded = { table, task: encodeTask(task) }
    if (rewrite !== undefined) return { v: rewritesVersion, ...encoded, rewrite: encodeRewrite(rewrite) }
    if (target.oldMessageFormats === 'convert') return { v: newestVersion, ...encoded, target }
    return { v: target.partition === undefined && !hasHistory(task.parts) ? version : partsVersion, ...encoded, target }
  },
  decodePayload(value) {
    const payload = readVersioned(value, 'task', newestVersion)
    const read = { table: payload.field('table').text(), task: readTask(payload.field('task')) }
    const rewrite = payload.field('rewrite').optional(readRewrite)
    return rewrite === undefined ? { ...read, target: readTarget(payload.field('target')) } : { ...read, rewrite }
  },
  encodeResult: (result, asked) => ({ v: answerVersion(asked), ...encodeOutcome(result) }),
  decodeResult: (value, { task }) => ({ task, ...readOutcome(readVersioned(value, 'result')) }),
  encodeFailure,
  decodeFailure,
}

/** What a task came to, without the task: whoever waits for it knows that one. */
export function encodeOutcome({ files, parts, startedAtMs, tookMs, rewritten }: Omit<TaskResult, 'task'>): object {
  return {
    startedAtMs,
    files: files.map(encodeDataFile),
    parts: parts.map(encodeTranslated),
    ...(tookMs !== undefined && { tookMs }),
    ...(rewritten !== undefined && { rewritten: [String(rewritten.rowsRead), String(rewritten.rowsDeleted)] }),
  }
}

export function readOutcome(outcome: Reader): Omit<TaskResult, 'task'> {
  return {
    files: outcome.field('files').list(readDataFile),
    parts: outcome.field('parts').list(readTranslated),
    startedAtMs: outcome.field('startedAtMs').number(),
    ...outcome.field('tookMs').optional((ms) => ({ tookMs: ms.number() })),
    ...outcome.field('rewritten').optional((rows) => ({ rewritten: { rowsRead: rows.at(0).bigint(), rowsDeleted: rows.at(1).bigint() } })),
  }
}

/** A value of a version that this program knows. Throws NewerVersion where it is none. */
export function readVersioned(value: unknown, what: string, newest = version): Reader {
  const reader = new Reader(value, what)
  const found = reader.field('v').number()
  if (found > newest) throw new NewerVersion(`a ${what} in the queue`, found, newest)
  return reader
}

/** Who asked in an older version reads no newer answer. */
export function answerVersion(asked: unknown): number {
  return Math.min(version, new Reader(asked, 'payload').field('v').number())
}

export function encodeFailure(error: unknown, asked: unknown): object | null {
  if (!(error instanceof WorkError)) return null
  return {
    v: answerVersion(asked),
    retry: error.retry,
    message: error.message,
    ...(error instanceof TableChanged && { kind: 'table-changed' }),
  }
}

export function decodeFailure(value: unknown): WorkError {
  const failure = readVersioned(value, 'failure')
  const message = failure.field('message').text()
  const options = { retry: failure.field('retry').oneOf(['now', 'later', 'never']) }
  return failure.field('kind').optional((kind) => kind.text()) === 'table-changed'
    ? new TableChanged(message, options)
    : new WorkError(message, options)
}

/** Target and layout are plain JSON as they are. */
function readTarget(target: Reader): TaskTarget {
  target
    .field('layout')
    .field('columns')
    .list((column) => column.field('field').field('id').number())
  return {
    dataDirectory: target.field('dataDirectory').text(),
    properties: Object.fromEntries(target.field('properties').entries((value) => value.text())),
    layout: target.field('layout').raw() as TableLayout,
    ...target.field('partition').optional((partition) => ({ partition: partition.list(readPartitionSource) })),
    ...target.field('sortOrder').optional((order) => ({ sortOrder: readSortOrder(order) })),
    onError: target.field('onError').oneOf(['stop', 'skip']),
    ...target.field('oldMessageFormats').optional((word) => ({ oldMessageFormats: word.oneOf(['convert']) })),
  }
}

function readPartitionSource(source: Reader): PartitionSource {
  return {
    transform: source.field('transform').text(),
    type: source.field('type').text() as PartitionSource['type'],
    path: source.field('path').nullable((path) => path.list((place) => place.number())),
  }
}

function readSortOrder(order: Reader): SortOrder {
  return {
    'order-id': order.field('order-id').number(),
    fields: order.field('fields').list((field) => ({
      'source-id': field.field('source-id').number(),
      transform: field.field('transform').text(),
      direction: field.field('direction').oneOf(['asc', 'desc']),
      'null-order': field.field('null-order').oneOf(['nulls-first', 'nulls-last']),
    })),
  }
}

/** What tasks are made for, as a part of their ids: the program's version of them, the table's definitions, and what becomes of faults. */
export function definitionsText(metadata: TableMetadata, { onError, oldMessageFormats }: Treatment): string {
  const { 'current-schema-id': schema, 'default-spec-id': spec, 'default-sort-order-id': order } = metadata
  return `${version} ${metadata['table-uuid']} ${schema} ${spec} ${order} ${onError}${oldMessageFormats === undefined ? '' : ` ${oldMessageFormats}`}`
}
