import type { Commits } from './commits.ts'

/** The commits of one table by several of this process, one after another: what they would lose to each other is tried once. */
export function inTurn(commits: Commits): Commits {
  let turn: Promise<unknown> = Promise.resolve()
  return {
    load: (options) => commits.load(options),
    commit(results, marks, keepAlive) {
      const mine = turn.then(() => commits.commit(results, marks, keepAlive))
      turn = mine.catch(() => undefined)
      return mine
    },
  }
}
