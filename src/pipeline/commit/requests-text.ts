import { expectList, expectObject, expectString, type JsonObject } from '../../formats/json/expect.ts'
import { parseJson, stringifyJson } from '../../formats/json/exact.ts'
import { noRequests, type Requests, withAccepted, withPaused } from '../../model/requests.ts'

/**
 * `{"pause": ["<topic>", …], "accept": ["<snapshot id>", …], "abandonedUpTo": "<sequence number>"}`: numbers as decimal strings. What
 * asks nothing is left out, and keys of a newer version stay. Canonical: equal requests, equal text.
 */
export function encodeRequests({ pause, accept, abandonedUpTo, others }: Requests): string {
  return stringifyJson({
    ...(pause.length > 0 && { pause }),
    ...(accept.length > 0 && { accept: accept.map(String) }),
    ...(abandonedUpTo !== null && { abandonedUpTo: String(abandonedUpTo) }),
    ...others,
  })
}

/** Throws an Error that says what is wrong; `where` names the place the text was found in. */
export function decodeRequests(text: string, where: string): Requests {
  const { pause, accept, abandonedUpTo, ...others }: JsonObject = expectObject(parseJson(text, where), where)
  const paused = withPaused({ ...noRequests, others }, listOf(pause, `${where}: pause`, expectString))
  return {
    ...withAccepted(paused, listOf(accept, `${where}: accept`, decimal)),
    abandonedUpTo: abandonedUpTo === undefined ? null : decimal(abandonedUpTo, `${where}: abandonedUpTo`),
  }
}

function listOf<T>(value: unknown, place: string, read: (item: unknown, place: string) => T): T[] {
  return value === undefined ? [] : expectList(value, place).map((item, i) => read(item, `${place}[${i}]`))
}

function decimal(value: unknown, place: string): bigint {
  const text = expectString(value, place)
  if (!/^(0|[1-9]\d{0,18})$/.test(text)) throw new Error(`${place}: expected a number in decimal`)
  return BigInt(text)
}
