/** Keeps some of many items, each as likely as any other, or all (algorithm R). */
export class Reservoir<T> {
  readonly #size: number | null
  readonly #random: () => bigint
  readonly items: T[] = []
  #offered = 0

  /** @param size null: all are kept */
  constructor(size: number | null, random: () => bigint) {
    this.#size = size
    this.#random = random
  }

  offer(item: T): void {
    this.#offered++
    if (this.#size === null || this.items.length < this.#size) {
      this.items.push(item)
      return
    }
    const place = Number(this.#random() % BigInt(this.#offered))
    if (place < this.#size) this.items[place] = item
  }
}
