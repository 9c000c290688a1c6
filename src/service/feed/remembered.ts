/** What a process knows of a document's source and tables once it has seen them. It outlives a change of the document, which is no restart. */
export interface Remembered {
  /** Whether the topics were ever listed: from then on nothing that is wrong with the source ends the process, and other documents with it. */
  listed: boolean
  /** The tables that were seen, by name, each with its uuid: what comes in the place of one is not filled before somebody restarts. */
  readonly uuids: Map<string, string>
  /** Tables that were opened as directed: that happens once. */
  readonly directed: Set<string>
}

/** Of a process that begins. */
export function nothingRemembered(): Remembered {
  return { listed: false, uuids: new Map(), directed: new Set() }
}
