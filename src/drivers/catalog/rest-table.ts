import { parseTableMetadata } from '../../formats/iceberg/parse-table-metadata.ts'
import { parseJson } from '../../formats/json/exact.ts'
import { expectList, expectObject, expectString, expectStringMap } from '../../formats/json/expect.ts'
import type { LoadedTable } from '../../seams/catalog.ts'
import type { Exchange } from './rest-answer.ts'

/**
 * The table in an answer (REST catalog specification, `LoadTableResult`, `CommitTableResponse`). Credentials for the longest
 * prefix of the table's location are laid over its configuration. Throws an Error where the answer is something else.
 */
export function readTable(exchange: Exchange): LoadedTable {
  const where = `the answer to ${exchange.where}`
  const value = expectObject(parseJson(exchange.answer.body, where), where)
  const metadata = parseTableMetadata(value['metadata'], `${where}: metadata`)
  const config = expectStringMap(value['config'] ?? {}, `${where}: config`)
  const location = value['metadata-location'] ?? undefined
  return {
    metadata,
    ...(location === undefined ? {} : { metadataLocation: expectString(location, `${where}: metadata-location`) }),
    config: { ...config, ...credentialsFor(metadata.location, value['storage-credentials'], `${where}: storage-credentials`) },
  }
}

function credentialsFor(location: string, list: unknown, where: string): Readonly<Record<string, string>> {
  let best: { prefix: string; config: Readonly<Record<string, string>> } | undefined
  for (const [index, item] of expectList(list ?? [], where).entries()) {
    const credential = expectObject(item, `${where}[${index}]`)
    const prefix = expectString(credential['prefix'], `${where}[${index}].prefix`)
    if (!location.startsWith(prefix) || prefix.length < (best?.prefix.length ?? 0)) continue
    best = { prefix, config: expectStringMap(credential['config'], `${where}[${index}].config`) }
  }
  return best?.config ?? {}
}
