import type { FileIO } from '../../seams/file-io.ts'

/** A file that is being written, chunk after chunk, while others are. What fails here fails at the next push. */
export class FileStream {
  readonly #written: Promise<number>
  readonly #chunks: Uint8Array[] = []
  #isEnded = false
  #error: Error | null = null
  #wakePull = () => {}
  #wakePush = () => {}

  constructor(io: Pick<FileIO, 'write'>, location: string) {
    this.#written = io.write(location, this.#pull())
    this.#written.catch(() => {})
  }

  /** Hands chunks over, and waits until the store has taken them. */
  async push(chunks: readonly Uint8Array[]): Promise<void> {
    this.#chunks.push(...chunks)
    const taken = new Promise<void>((resolve) => (this.#wakePush = resolve))
    this.#wakePull()
    await Promise.race([taken, this.#written])
  }

  /** Hands the last chunks over, and waits until the file is there. */
  async end(chunks: readonly Uint8Array[]): Promise<void> {
    this.#chunks.push(...chunks)
    this.#isEnded = true
    this.#wakePull()
    await this.#written
  }

  /** Gives the file up: none appears. */
  async abandon(error: Error): Promise<void> {
    this.#error = error
    this.#wakePull()
    await this.#written.catch(() => {})
  }

  async *#pull(): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      if (this.#error !== null) throw this.#error
      const chunk = this.#chunks.shift()
      if (chunk !== undefined) {
        yield chunk
        continue
      }
      if (this.#isEnded) return
      const more = new Promise<void>((resolve) => (this.#wakePull = resolve))
      this.#wakePush()
      await more
    }
  }
}
