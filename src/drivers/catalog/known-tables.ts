import type { LoadedTable } from '../../seams/catalog.ts'

/** A table as the catalog gave it under an ETag. */
export interface KnownTable {
  readonly etag: string
  readonly table: LoadedTable
}

/** Answers that are kept, bytes of their JSON: what is made of them takes a few times more. */
const mostBytes = 16 * 1024 * 1024

/**
 * What the catalog answered last of each table, so that it need not be sent again while it is the same (REST catalog specification,
 * `loadTable`, `If-None-Match`). Bounded: what was used least recently goes first.
 */
export class KnownTables {
  readonly #known = new Map<string, KnownTable & { readonly bytes: number }>()
  #bytes = 0

  get(url: string): KnownTable | undefined {
    const found = this.#known.get(url)
    if (found !== undefined) {
      this.#known.delete(url)
      this.#known.set(url, found)
    }
    return found
  }

  /** Remembers an answer of so many bytes; without an ETag, forgets what was known. */
  put(url: string, etag: string | undefined, table: LoadedTable, bytes: number): void {
    this.forget(url)
    if (etag === undefined || bytes > mostBytes / 4) return
    this.#known.set(url, { etag, table, bytes })
    this.#bytes += bytes
    for (const oldest of this.#known.keys()) {
      if (this.#bytes <= mostBytes) return
      this.forget(oldest)
    }
  }

  forget(url: string): void {
    this.#bytes -= this.#known.get(url)?.bytes ?? 0
    this.#known.delete(url)
  }
}
