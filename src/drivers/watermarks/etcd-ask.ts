import { etcdClient, openMember } from './etcd-gateway.ts'
import { watermarkPrefix } from './watermark-table.ts'

/** What became of asking one member. */
export interface EtcdMemberAnswer {
  readonly endpoint: string
  /** Null: it answers, and lets the watermarks be read. */
  readonly error: string | null
}

/** Asks each member once for KafScale's high watermarks. Never throws. */
export async function askEtcd(
  endpoints: readonly string[],
  user: { readonly name: string; readonly password: string } | null,
): Promise<EtcdMemberAnswer[]> {
  const http = etcdClient()
  try {
    return await Promise.all(
      endpoints.map(async (endpoint) => {
        try {
          const member = await openMember(http, endpoint, watermarkPrefix, user)
          await member.probe()
          return { endpoint, error: null }
        } catch (error) {
          return { endpoint, error: error instanceof Error ? error.message : String(error) }
        }
      }),
    )
  } finally {
    await http.close()
  }
}
