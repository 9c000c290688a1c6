import type { RestProfile } from './profiles.ts'
import { answeredError } from './rest-answer.ts'
import type { Exchange } from './rest-answer.ts'

/**
 * What to say where an endpoint turns out to take no writes: undefined where the answer has another reason. Catalogs answer what they
 * lack with 404 and no error of Iceberg's, with 405 or 501, and Databricks' older endpoint with 403. Where the catalog lists no endpoint for
 * `commits`, it is every refusal of somebody known: the open-source Unity answers 400 while its writes are switched off.
 */
export function readOnlyAdvice(
  { readOnly, product }: RestProfile,
  endpoint: string,
  exchange: Exchange,
  commits: boolean,
): string | undefined {
  const { status } = exchange.answer
  const isLacking = status === 405 || status === 501 || (status === 404 && answeredError(exchange).type === null)
  const older = readOnly !== undefined && endpoint.replace(/\/+$/, '').endsWith(readOnly.ending)
  const isUnlisted = !commits && status >= 400 && status < 500 && ![401, 408, 419, 429].includes(status)
  if (!isLacking && !isUnlisted && !(older && status === 403)) return undefined
  return readOnlySentence(product, endpoint, readOnly)
}

/** That the endpoint only reads, and which one writes. */
export function readOnlySentence(product: string, endpoint: string, readOnly: RestProfile['readOnly']): string {
  const trimmed = endpoint.replace(/\/+$/, '')
  const writes =
    readOnly !== undefined && trimmed.endsWith(readOnly.ending)
      ? `${trimmed.slice(0, -readOnly.ending.length)}${readOnly.writes}`
      : undefined
  const advice =
    writes === undefined
      ? 'name the endpoint that writes in spec.sink.catalog.endpoint'
      : `Databricks takes writes at ${writes}: set spec.sink.catalog.endpoint to it (an open-source ${product} needs a version that writes)`
  return `this endpoint of ${product} only reads; ${advice}`
}
