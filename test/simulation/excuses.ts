/** What was done that explains what processes say, place by place: a fault elsewhere excuses nothing. */
export class Excuses {
  readonly #removed = new Set<string>()
  readonly #setAside: string[] = []

  /** A file of the warehouse was removed that no snapshot named. */
  fileRemoved(key: string): void {
    this.#removed.add(key)
  }

  /** A task or a commit was given up by a queue that had lost too many who carried it out; `data` is how it travelled. */
  setAside(data: object): void {
    this.#setAside.push(JSON.stringify(data))
  }

  /** Whether the store's word that there is no such object is about one that was removed. */
  explainsNotFound(message: string): boolean {
    return this.#removed.has(message.slice(message.lastIndexOf(' ') + 1))
  }

  /** Whether something was set aside that names this table, or this segment's key. */
  explainsSetAside(name: string): boolean {
    return this.#setAside.some((data) => data.includes(JSON.stringify(name)))
  }
}
