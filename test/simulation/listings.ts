/** Who waits for a prefix of the source to be listed. */
export class Listings {
  readonly #waiting = new Map<string, PromiseWithResolvers<void>>()

  /** Resolves when the prefix is listed next, before the answer has arrived. */
  next(prefix: string): Promise<void> {
    const waiting = this.#waiting.get(prefix) ?? Promise.withResolvers<void>()
    this.#waiting.set(prefix, waiting)
    return waiting.promise
  }

  tell(prefix: string): void {
    this.#waiting.get(prefix)?.resolve()
    this.#waiting.delete(prefix)
  }
}
