import type { TableMetadata } from '../formats/iceberg/table-metadata.ts'
import { WorkError } from '../model/failure.ts'
import type { Task } from '../model/task.ts'
import type { TaskResult } from '../pipeline/flow.ts'
import type { RewriteOrder } from '../service/tasks/rewrite-task.ts'
import type { TaskTarget, WorkerLimits } from '../service/tasks/worker.ts'
import type { FileIO } from '../seams/file-io.ts'
import { ObjectChanged, ObjectNotFound } from '../seams/object-store.ts'

export type FileRange = NonNullable<Parameters<FileIO['read']>[1]>

/** What the main thread says to a worker thread. `task` numbers a task, `call` a request of the thread. */
export type ToThread =
  | { readonly kind: 'task'; readonly task: number; readonly work: readonly [Task, TaskTarget, WorkerLimits] }
  | { readonly kind: 'rewrite'; readonly task: number; readonly work: readonly [Task, RewriteOrder, TableMetadata, WorkerLimits] }
  | { readonly kind: 'got'; readonly call: number; readonly bytes: Uint8Array }
  /** The store takes another chunk. */
  | { readonly kind: 'more'; readonly call: number }
  | { readonly kind: 'written'; readonly call: number; readonly size: number }
  | { readonly kind: 'removed'; readonly call: number }
  | { readonly kind: 'failed'; readonly call: number; readonly error: PlainError }

/** What a worker thread says: how a task ended, and what it wants of the stores. */
export type FromThread =
  | { readonly kind: 'result'; readonly task: number; readonly result: TaskResult }
  | { readonly kind: 'error'; readonly task: number; readonly error: PlainError }
  | { readonly kind: 'get'; readonly task: number; readonly call: number; readonly key: string; readonly ifMatch?: string }
  /** A file of the warehouse, or a range of it. */
  | { readonly kind: 'open'; readonly task: number; readonly call: number; readonly uri: string; readonly range?: FileRange }
  /** Bytes that the thread got and has read. */
  | { readonly kind: 'read'; readonly task: number; readonly bytes: Uint8Array }
  | { readonly kind: 'write'; readonly task: number; readonly call: number; readonly uri: string }
  | { readonly kind: 'chunk'; readonly call: number; readonly bytes: Uint8Array }
  | { readonly kind: 'end'; readonly call: number }
  /** The chunks can not be made: the write is given up. */
  | { readonly kind: 'broken'; readonly call: number; readonly error: PlainError }
  /** A file that the thread wrote for itself alone. */
  | { readonly kind: 'remove'; readonly task: number; readonly call: number; readonly uri: string }

/** An error as a message holds it: classes do not survive the way between threads. */
export type PlainError =
  | { readonly kind: 'work'; readonly message: string; readonly retry: WorkError['retry'] }
  | { readonly kind: 'changed'; readonly message: string }
  | { readonly kind: 'not-found'; readonly message: string }
  | { readonly kind: 'other'; readonly message: string; readonly stack?: string }

export function plainError(error: unknown): PlainError {
  if (error instanceof WorkError) return { kind: 'work', message: error.message, retry: error.retry }
  if (error instanceof ObjectChanged) return { kind: 'changed', message: error.message }
  if (error instanceof ObjectNotFound) return { kind: 'not-found', message: error.message }
  return error instanceof Error ? { kind: 'other', message: error.message, stack: error.stack } : { kind: 'other', message: String(error) }
}

/** The error that `plainError` was made of. */
export function revivedError(plain: PlainError): Error {
  if (plain.kind === 'work') return new WorkError(plain.message, { retry: plain.retry })
  if (plain.kind === 'changed') return new ObjectChanged(plain.message)
  if (plain.kind === 'not-found') return new ObjectNotFound(plain.message)
  const error = new Error(plain.message)
  error.stack = plain.stack
  return error
}

/** Buffers of this size and more are worth being used again, and hold one object alone. */
export const largeBytes = 1024 * 1024

/** The bytes with a buffer of their own, which can be handed over: those themselves where they fill theirs. */
export function ownBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer && bytes.buffer.byteLength === bytes.byteLength
    ? (bytes as Uint8Array<ArrayBuffer>)
    : new Uint8Array(bytes)
}
