import { parseJson } from '../../formats/json/exact.ts'
import { expectList, expectObject, expectString } from '../../formats/json/expect.ts'
import { WorkError } from '../../model/failure.ts'
import { isMissing, workError } from './rest-answer.ts'
import type { RestClient } from './rest-client.ts'

/** Pages that are followed: a catalog that gives more goes round in circles. */
const mostPages = 10_000

/**
 * The names of a namespace's tables, all pages of them (REST catalog specification, `listTables`: an empty page token asks for pages, and
 * a catalog that knows none gives everything at once). None where there is no such namespace.
 */
export async function listTables(client: RestClient, url: string, what: string): Promise<string[]> {
  const names: string[] = []
  let token: string | null = ''
  for (let page = 0; token !== null; page += 1) {
    if (page === mostPages) throw new WorkError(`${what}: more than ${mostPages} pages`, { retry: 'never' })
    const exchange = await client.repeatable({ what, method: 'GET', url: `${url}?pageToken=${encodeURIComponent(token)}` })
    if (isMissing(exchange)) return names
    if (exchange.answer.status >= 300) throw workError(exchange)
    const where = `the answer to ${exchange.where}`
    const value = expectObject(parseJson(exchange.answer.body, where), where)
    for (const [index, item] of expectList(value['identifiers'] ?? [], `${where}: identifiers`).entries()) {
      const at = `${where}: identifiers[${index}]`
      names.push(expectString(expectObject(item, at)['name'], `${at}.name`))
    }
    const next = value['next-page-token'] ?? null
    token = next === null || next === '' ? null : expectString(next, `${where}: next-page-token`)
  }
  return names
}
