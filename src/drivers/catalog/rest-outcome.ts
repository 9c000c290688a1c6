import { WorkError } from '../../model/failure.ts'
import type { CommitOutcome } from '../../seams/catalog.ts'
import { answeredError, lackingIn, sentence } from './rest-answer.ts'
import type { Exchange } from './rest-answer.ts'
import type { Sent } from './rest-client.ts'
import { readTable } from './rest-table.ts'

/**
 * What became of a commit, read from its only answer (REST catalog specification, `updateTable`). Whatever leaves a doubt is
 * `unknown`. Throws a WorkError, to be tried again later, where the catalog surely did not look at it.
 */
export function commitOutcome(sent: Sent): CommitOutcome {
  if ('failure' in sent) {
    if (!sent.sent) throw new WorkError(sent.failure, { retry: 'later' })
    return { kind: 'unknown', reason: sent.failure }
  }
  const { status } = sent.answer
  if (status >= 200 && status < 300) return committed(sent)
  if (status === 429) throw new WorkError(sentence(sent), { retry: 'later' })
  const kind = status === 409 ? 'conflict' : leavesDoubt(sent) ? 'unknown' : isStale(sent) ? 'conflict' : 'refused'
  return { kind, reason: sentence(sent), ...(kind === 'refused' && { lacking: lackingIn(sent) }) }
}

function committed(exchange: Exchange): CommitOutcome {
  try {
    return { kind: 'committed', table: readTable(exchange) }
  } catch (error) {
    return {
      kind: 'unknown',
      reason: `${exchange.what}: the catalog answered ${exchange.answer.status}, and not with a table: ${(error as Error).message}`,
    }
  }
}

/** 408 and 499 come from proxies that stopped waiting; some catalogs put an unknown state into a 400. 501: there is nobody who could have done it. */
function leavesDoubt(exchange: Exchange): boolean {
  const { status } = exchange.answer
  if ((status >= 500 && status !== 501) || status === 408 || status === 499) return true
  const { type, message } = answeredError(exchange)
  return type === 'CommitStateUnknownException' || /commit state (is )?unknown/i.test(message)
}

/** Some catalogs (Polaris up to 1.7 at least) answer 400, not 409, where another commit has just taken the sequence number, or the row ids. */
function isStale(exchange: Exchange): boolean {
  return (
    exchange.answer.status === 400 && /(?:sequence number|row-id)\b.*\b(?:older|less|behind|stale)/i.test(answeredError(exchange).message)
  )
}
