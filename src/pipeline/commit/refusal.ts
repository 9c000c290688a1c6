/** Why a table can not be continued, and what to change. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
}

/** The document contradicts what was chosen when the table was created. `key`: what to change in it. */
export function contradiction(what: string, chosen: string, wanted: string, key: string): Refusal {
  const both = `${chosen} was chosen when the table was created, and the document says ${wanted}`
  return new Refusal(`${what}: ${both}; change the document's ${key} back, or name another table`)
}
