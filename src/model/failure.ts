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

/** The document or the arguments are wrong: exit code 2. `path` is the document path, such as `spec.source.topics[0]`. */
export class DocumentError extends Error {
  override readonly name = 'DocumentError'
}

/**
 * Work failed and the reason is known: exit code 1 where it ends a run.
 * `retry` says when the same work may be tried again: at once, after a pause, or not before someone changed something.
 */
export class WorkError extends Error {
  override readonly name = 'WorkError'
  readonly retry: 'now' | 'later' | 'never'
  constructor(message: string, options: { retry: 'now' | 'later' | 'never'; cause?: unknown }) {
    super(message, { cause: options.cause })
    this.retry = options.retry
  }
}
