import { WorkError } from '../../model/failure.ts'
import { etcdClient, type KeyValue, openMember } from './etcd-gateway.ts'

/** By topic and partition. */
type NextOffsets = ReadonlyMap<string, ReadonlyMap<number, bigint>>

/**
 * The offsets from which KafScale's Go processor would go on, as it keeps them in etcd: `{prefix}/offsets/{topic}/{partition}` is JSON with
 * `offset`, the last offset that it was done with; −1 before the first. Throws a WorkError where no member answers, or where what
 * is there is no offset.
 */
export async function readEtcdOffsets(
  endpoints: readonly string[],
  user: { readonly name: string; readonly password: string } | null,
  prefix: string,
): Promise<NextOffsets> {
  const http = etcdClient()
  const reasons: string[] = []
  try {
    for (const endpoint of endpoints) {
      const folder = `${prefix.replace(/\/+$/, '')}/offsets/`
      let pairs: readonly KeyValue[]
      try {
        ;({ pairs } = await (await openMember(http, endpoint, folder, user)).range())
      } catch (error) {
        reasons.push(`${endpoint}: ${(error as Error).message}`)
        continue
      }
      return nextOffsets(pairs, folder)
    }
  } finally {
    await http.close()
  }
  throw new WorkError(`etcd does not tell the offsets of the Go processor: ${reasons.join('; ')}`, { retry: 'later' })
}

/** What keys below `folder` say. Throws a WorkError for one that says no offset. Pure. */
export function nextOffsets(pairs: readonly KeyValue[], folder: string): NextOffsets {
  const found = new Map<string, Map<number, bigint>>()
  for (const { key, value } of pairs) {
    const place = /^(.+)\/(\d{1,9})$/.exec(key.slice(folder.length))
    const offset = /"offset"\s*:\s*(-1|\d{1,18})\s*[,}]/.exec(value)
    if (place === null || offset === null)
      throw new WorkError(`etcd's key ${key} has no offset of the Go processor: ${value}`, { retry: 'never' })
    const partitions = found.get(place[1]) ?? new Map<number, bigint>()
    found.set(place[1], partitions.set(Number(place[2]), BigInt(offset[1]) + 1n))
  }
  return found
}
