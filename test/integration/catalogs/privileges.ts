import { type CatalogCall, error, makesNamespace, makesTable } from './policy-proxy.ts'
import type { ProxyAnswer } from '../proxy.ts'

/** What a call does, as far as rights are told apart by it. */
export type CatalogAction =
  | 'config'
  | 'listNamespaces'
  | 'loadNamespace'
  | 'createNamespace'
  | 'listTables'
  | 'createTable'
  | 'loadTable'
  | 'commit'
  | 'dropTable'

export function actionOf(call: CatalogCall): CatalogAction | null {
  const { method, place } = call
  if (place === 'config') return 'config'
  if (makesNamespace(call)) return 'createNamespace'
  if (makesTable(call)) return 'createTable'
  if (place === 'namespaces') return 'listNamespaces'
  if (/^namespaces\/[^/]+$/.test(place)) return method === 'GET' || method === 'HEAD' ? 'loadNamespace' : null
  if (/^namespaces\/[^/]+\/tables$/.test(place)) return 'listTables'
  if (!/^namespaces\/[^/]+\/tables\/[^/]+$/.test(place)) return null
  if (method === 'DELETE') return 'dropTable'
  return method === 'POST' ? 'commit' : 'loadTable'
}

/** What each action needs; all of it. */
export type Needs = Readonly<Partial<Record<CatalogAction, readonly string[]>>>

/**
 * The refusal of a call for want of a right, `refusal` in the product's words; null: whoever has `grants` may do it, or nobody looks at
 * them (undefined). `implying`: the rights that hold for another one, itself among them.
 */
export function refusalFor(
  call: CatalogCall,
  needs: Needs,
  grants: ReadonlySet<string> | undefined,
  refusal: (right: string, action: CatalogAction) => ProxyAnswer,
  implying: Readonly<Record<string, readonly string[]>> = {},
): ProxyAnswer | null {
  if (grants === undefined) return null
  const action = actionOf(call)
  const has = (right: string) => (implying[right] ?? [right]).some((one) => grants.has(one))
  const lacking = action === null ? undefined : needs[action]?.find((right) => !has(right))
  return action === null || lacking === undefined ? null : refusal(lacking, action)
}

/** The namespace that a call names, or is to make. */
export function namespaceOf({ place, document: { namespace } }: CatalogCall): string {
  return namespace?.join('.') ?? decodeURIComponent(/^namespaces\/([^/]+)/.exec(place)?.[1] ?? '')
}

/** What AWS says of an action that no policy allows (IAM, "Troubleshoot access denied error messages"). */
export function notAuthorized(action: string, resource: string): ProxyAnswer {
  const user = 'arn:aws:sts::123456789012:assumed-role/processor/session'
  const why = `because no identity-based policy allows the ${action} action`
  return error(403, 'ForbiddenException', `User: ${user} is not authorized to perform: ${action} on resource: ${resource} ${why}`)
}
