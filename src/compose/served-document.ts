import type { ProcessorDocument } from '../spec/document.ts'

/** A document with everything that it names open. */
export interface OpenedDocument {
  /** As `Processor.run`. */
  run(signal: AbortSignal, hurry: AbortSignal): Promise<boolean>
  close(): Promise<void>
}

/** How long what is under way under the old document may take before it is given up and done again under the new one, ms. */
const handOverMs = 30_000

/** Serves one document, and goes over to a changed one: what is under way is finished and committed, then the new one goes on from the table. */
export class ServedDocument {
  #document: ProcessorDocument
  readonly #open: (document: ProcessorDocument) => Promise<OpenedDocument>
  #next: { readonly document: ProcessorDocument; readonly opened: OpenedDocument } | null = null
  #turn = new AbortController()
  #isOver = false

  constructor(document: ProcessorDocument, open: (document: ProcessorDocument) => Promise<OpenedDocument>) {
    this.#document = document
    this.#open = open
  }

  /** The document that is served, or is gone over to. */
  get document(): ProcessorDocument {
    return this.#document
  }

  /** Until `signal` aborts, or the work of the document is done. Throws what its opening and its work throw. */
  async run(signal: AbortSignal, hurry: AbortSignal): Promise<boolean> {
    let opened = await this.#open(this.#document)
    for (;;) {
      const ok = await this.#runTurn(opened, signal, hurry)
      const next = this.#next
      this.#next = null
      this.#turn = new AbortController()
      if (next === null || signal.aborted) {
        this.#isOver = true
        await next?.opened.close()
        return ok
      }
      opened = next.opened
    }
  }

  /** Goes over to another document. Where that can not be opened, throws why, and the old one goes on. */
  async replace(document: ProcessorDocument): Promise<void> {
    const opened = await this.#open(document)
    if (this.#isOver) return opened.close()
    const overtaken = this.#next
    this.#next = { document, opened }
    this.#document = document
    this.#turn.abort()
    await overtaken?.opened.close()
  }

  async #runTurn(opened: OpenedDocument, signal: AbortSignal, hurry: AbortSignal): Promise<boolean> {
    const turn = this.#turn
    const late = new AbortController()
    let timer: NodeJS.Timeout | undefined
    turn.signal.addEventListener('abort', () => (timer = setTimeout(() => late.abort(), handOverMs)), { once: true })
    try {
      return await opened.run(AbortSignal.any([signal, turn.signal]), AbortSignal.any([hurry, late.signal]))
    } finally {
      clearTimeout(timer)
      await opened.close()
    }
  }
}
