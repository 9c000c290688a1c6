import { SpareBytes } from '../../formats/bytes/spare-bytes.ts'
import { Agent, errors } from './undici.ts'
import type { Dispatcher } from './undici.ts'

/** Bounds of a pool; times in ms. */
export interface PoolBounds {
  /** Sockets to one origin at most; what goes beyond them waits for a free one. */
  readonly connections: number
  /** Name, socket and TLS. */
  readonly connectTimeoutMs: number
  /** Until an answer begins, and between two pieces of its body. */
  readonly silenceTimeoutMs: number
  readonly idleSocketMs: number
}

/** A GET whose target and headers go out as they are, and what its answer may be. */
export interface ByteRequest {
  /** Scheme, host and port: `https://host:443`. */
  readonly origin: string
  /** Path and query, encoded. */
  readonly path: string
  /** Names and values in turn. */
  readonly headers: readonly string[]
  /**
   * Told of the answer before its body is read: gives the most bytes that the body may have. What it throws ends the
   * connection and is what the caller gets.
   */
  readonly admit: (status: number, headers: AnswerHeaders) => number
}

/** By lower-case name. */
export type AnswerHeaders = Readonly<Record<string, string | string[] | undefined>>

export interface ByteAnswer {
  readonly status: number
  readonly headers: AnswerHeaders
  /** At the beginning of its buffer, of which nobody else has any part. */
  readonly body: Uint8Array
}

/** One bounded pool of HTTP/1.1 connections. It never retries and never follows redirects. */
export interface BytePool {
  /** The same connections, for a client that speaks through undici. */
  readonly agent: Agent
  /**
   * Sends one GET and reads its body whole. Fails with undici's and Node's errors: for a body that is cut short
   * UND_ERR_RES_CONTENT_LENGTH_MISMATCH or UND_ERR_SOCKET, for one that is too long UND_ERR_RES_EXCEEDED_MAX_SIZE. Where
   * `signal` aborts it fails with the reason, and its connection ends.
   */
  get(request: ByteRequest, signal?: AbortSignal): Promise<ByteAnswer>
  /** Takes the body of an answer back, for the next ones. */
  giveBack(body: Uint8Array): void
  /** Ends all connections; requests in flight fail. */
  close(): Promise<void>
}

export function openBytePool(bounds: PoolBounds): BytePool {
  const agent = new Agent({
    connections: bounds.connections,
    pipelining: 1,
    allowH2: false,
    connect: { timeout: bounds.connectTimeoutMs },
    headersTimeout: bounds.silenceTimeoutMs,
    bodyTimeout: bounds.silenceTimeoutMs,
    keepAliveTimeout: bounds.idleSocketMs,
  })
  const spare = new SpareBytes()
  return {
    agent,
    giveBack: (body) => spare.giveBack(body as Uint8Array<ArrayBuffer>),
    get: ({ origin, path, headers, admit }, signal) =>
      new Promise((resolve, reject) => {
        const receiver = new Receiver(admit, spare, resolve, reject)
        if (signal !== undefined) receiver.obey(signal)
        agent.dispatch({ origin, path, method: 'GET', headers: headers as string[] }, receiver)
      }),
    close: () => agent.destroy(),
  }
}

/** Takes one answer straight from undici's parser: a stream between them costs more than the rest of a small answer. */
class Receiver implements Dispatcher.DispatchHandler {
  readonly #admit: ByteRequest['admit']
  readonly #spare: SpareBytes
  readonly #resolve: (answer: ByteAnswer) => void
  readonly #reject: (error: Error) => void
  #controller: Dispatcher.DispatchController | undefined
  #signal: AbortSignal | undefined
  #status = 0
  #headers: AnswerHeaders = {}
  #limit = 0
  #length: number | undefined
  /** As long as Content-Length says; where nothing says, it grows. */
  #body = new Uint8Array(0)
  #filled = 0

  constructor(admit: ByteRequest['admit'], spare: SpareBytes, resolve: (answer: ByteAnswer) => void, reject: (error: Error) => void) {
    this.#admit = admit
    this.#spare = spare
    this.#resolve = resolve
    this.#reject = reject
  }

  obey(signal: AbortSignal): void {
    this.#signal = signal
    signal.addEventListener('abort', this.#abort)
  }

  readonly #abort = (): void => {
    const reason = this.#signal!.reason as Error
    this.#controller?.abort(reason)
    this.#fail(reason)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    // Aborted while it waited for a connection: nothing is sent.
    if (this.#signal?.aborted) controller.abort(this.#signal.reason as Error)
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: AnswerHeaders): void {
    if (status < 200) return
    this.#limit = this.#admit(status, headers)
    this.#status = status
    this.#headers = headers
    const length = headers['content-length']
    if (length === undefined) return
    this.#length = Number(length)
    if (this.#length > this.#limit) throw tooLong(this.#limit)
    this.#body = this.#spare.take(this.#length)
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Uint8Array): void {
    const needed = this.#filled + chunk.length
    if (needed > this.#body.length) this.#grow(needed)
    this.#body.set(chunk, this.#filled)
    this.#filled = needed
  }

  #grow(needed: number): void {
    if (needed > this.#limit) throw tooLong(this.#limit)
    const larger = new Uint8Array(Math.min(this.#limit, Math.max(needed, 2 * this.#body.length)))
    larger.set(this.#body)
    this.#body = larger
  }

  onResponseEnd(): void {
    if (this.#length !== undefined && this.#filled !== this.#length) {
      this.#fail(new errors.ResponseContentLengthMismatchError(`${this.#filled} bytes came, and Content-Length says ${this.#length}`))
      return
    }
    this.#signal?.removeEventListener('abort', this.#abort)
    const body = this.#filled === this.#body.length ? this.#body : this.#body.slice(0, this.#filled)
    this.#resolve({ status: this.#status, headers: this.#headers, body })
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.#fail(error)
  }

  #fail(error: Error): void {
    this.#signal?.removeEventListener('abort', this.#abort)
    this.#reject(error)
  }
}

function tooLong(limit: number): Error {
  return new errors.ResponseExceededMaxSizeError(`the body has more than ${limit} bytes`)
}
