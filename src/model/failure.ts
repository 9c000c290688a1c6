/** What is wrong with the bytes of a segment. */
export type FaultKind = 'crc' | 'magic' | 'length' | 'malformed'

/** A defect in the source's bytes, at a place. A fault stops its own topic-partition and nothing else. */
export interface Fault {
  readonly kind: FaultKind
  /** Byte position in the object at which the defect was seen. */
  readonly position: number
  /** The Kafka offset concerned: the record's, else its batch's, else the segment's base offset. */
  readonly offset: bigint
  /** A sentence that says what was expected and what was found; never bytes of a record. */
  readonly message: string
}

/** One thing that is wrong with a document, or that can not be done yet. */
export interface Problem {
  /** The document path: `spec.source.topics[0]`; empty where it is about the file or the whole document. */
  readonly path: string
  /** A sentence that says what was expected and what was found; never a secret. */
  readonly message: string
  readonly file?: string
  /** Where in the file, both from 1. */
  readonly line?: number
  readonly column?: number
  /** Which document, where the file has several: its name, or its number from 1 where it has none. */
  readonly document?: string
}

/**
 * The document or the arguments are wrong: exit code 2. `problems` is all that was found wrong, for programs; the message says it
 * to people. It is empty where the arguments are meant.
 */
export class DocumentError extends Error {
  override readonly name = 'DocumentError'
  readonly problems: readonly Problem[]
  constructor(message: string, problems: readonly Problem[] = []) {
    super(message)
    this.problems = problems
  }
}

/**
 * What the other side found wanting, where it said so: in who asks an identity that it accepts, or a right; or, in where it was asked, the
 * catalog's endpoint or that for tokens (nobody there answers as one would), the warehouse, the bucket, its region; or this machine's clock.
 */
export type Lacking = 'identity' | 'right' | 'endpoint' | 'tokenEndpoint' | 'warehouse' | 'bucket' | 'region' | 'clock'

/**
 * Work failed and the reason is known: exit code 1 where it ends a run.
 * `retry` says when the same work may be tried again: at once, after a pause, or not before someone changed something.
 */
export class WorkError extends Error {
  override readonly name = 'WorkError'
  readonly retry: 'now' | 'later' | 'never'
  readonly lacking: Lacking | undefined
  constructor(message: string, options: { retry: 'now' | 'later' | 'never'; lacking?: Lacking; cause?: unknown }) {
    super(message, { cause: options.cause })
    this.retry = options.retry
    this.lacking = options.lacking
  }
}
