import type { Catalog } from '../../seams/catalog.ts'
import type { Turns } from '../tasks/turns.ts'
import type { Commits } from './commits.ts'

/** The commits of one table by several of this process, one after another: what they would lose to each other is tried once. `turn`: for one at a time. */
export function inTurn(commits: Commits, turn: Turns): Commits {
  return {
    load: (options) => commits.load(options),
    commit: (results, marks, keepAlive) => turn.take(() => commits.commit(results, marks, keepAlive)),
  }
}

/**
 * The catalog for those who commit beside the feed and no snapshot: what they send waits until no commit of the feed is under way, which so never has to be
 * built anew because of them. The feed waits for no more than such a request.
 */
export function besideCommits({ catalog, turn }: { readonly catalog: Catalog; readonly turn?: Turns }): Catalog {
  if (turn === undefined) return catalog
  return { ...catalog, commitTable: (table, request) => turn.take(() => catalog.commitTable(table, request)) }
}
