import { expectList, expectObject, expectString, type JsonObject } from '../../formats/json/expect.ts'
import { parseJson, stringifyJson } from '../../formats/json/exact.ts'
import { noRequests, type Requests, withAbandoned, withAccepted, withPaused } from '../../model/requests.ts'

/**
 * `{"pause": ["<topic>", …], "accept": ["<snapshot id>", …], "abandoned": ["<snapshot id>", …]}`: ids as decimal strings. What asks
 * nothing is left out, and keys of a newer version stay. Canonical: equal requests, equal text.
 */
export function encodeRequests({ pause, accept, abandoned, others }: Requests): string {
  const known = { pause, accept: accept.map(String), abandoned: abandoned.map(String) }
  return stringifyJson({ ...Object.fromEntries(Object.entries(known).filter(([, list]) => list.length > 0)), ...others })
}

/** Throws an Error that says what is wrong; `where` names the place the text was found in. */
export function decodeRequests(text: string, where: string): Requests {
  const { pause, accept, abandoned, ...others }: JsonObject = expectObject(parseJson(text, where), where)
  const ids = (value: unknown, key: string) => listOf(value, `${where}: ${key}`, snapshotId)
  const paused = withPaused({ ...noRequests, others }, listOf(pause, `${where}: pause`, expectString))
  return withAbandoned(withAccepted(paused, ids(accept, 'accept')), ids(abandoned, 'abandoned'))
}

function listOf<T>(value: unknown, place: string, read: (item: unknown, place: string) => T): T[] {
  return value === undefined ? [] : expectList(value, place).map((item, i) => read(item, `${place}[${i}]`))
}

function snapshotId(value: unknown, place: string): bigint {
  const text = expectString(value, place)
  if (!/^(0|[1-9]\d{0,18})$/.test(text)) throw new Error(`${place}: expected a snapshot id`)
  return BigInt(text)
}
