import { parseJson, stringifyJson } from '../../../src/formats/json/exact.ts'
import type { Treatment } from '../proxy.ts'
import { type CatalogCall, error, makesTable, metadataWithin, nestedNamespace, type PolicyProxy, policyProxy } from './policy-proxy.ts'
import { namespaceOf, type Needs, notAuthorized, refusalFor } from './privileges.ts'
import { signatureRefusal, type SigningRules } from './sigv4-check.ts'

export const glueAccount = '123456789012'
/** A table bucket of S3 Tables, as Glue has it. */
export const glueTableBucket = `${glueAccount}:s3tablescatalog/lake`

/**
 * AWS Glue's Iceberg REST endpoint, as far as it refuses. What it rests on, all of it AWS' documentation and no run against the service:
 * - `/iceberg`, SigV4 for service `glue`, the path encoded once more; warehouse = account id, prefix `catalogs/<id>`.
 * - One level of namespaces; no stage-create; `location` must be given, not as `s3a://`; no purge; no partitions by nested fields. The statuses
 *   are assumed: 400.
 * - With `grants`: the IAM action of each operation. With `lakeFormation`: a database that it guards, of which `grants` has its permissions; its
 *   words were seen of Glue's other interface, where the status is 400. A table's IAM action is refused for the first of its resources.
 * - A table bucket of S3 Tables (`tableBucket`) is a warehouse of its own, `<account>:s3tablescatalog/<bucket>`, and owns locations. Its prefix is assumed.
 * - A table's metadata may have 20 MB, beyond which requests are refused: "Considerations and limitations" of the endpoint. Status and words are assumed.
 * - Names of columns are kept in lower case, so a table does not come back as it was made.
 */
export function glueProxy(
  target: string,
  {
    keys,
    meddle,
    grants,
    lakeFormation = false,
    tableBucket = false,
    metadataLimit = 20 * 1024 ** 2,
  }: {
    keys: Omit<SigningRules, 'service'>
    meddle?: Treatment
    grants?: ReadonlySet<string>
    lakeFormation?: boolean
    tableBucket?: boolean
    metadataLimit?: number
  },
): Promise<PolicyProxy> {
  return policyProxy(
    target,
    {
      base: '/iceberg',
      warehouse: tableBucket ? glueTableBucket : glueAccount,
      prefix: `catalogs/${tableBucket ? glueTableBucket.replace('/', ':') : glueAccount}`,
      unknown: (request) => signatureRefusal(request, { ...keys, service: 'glue' }),
      denies(call) {
        const refusal = (right: string) =>
          lakeFormation ? guarded(right, namespaceOf(call)) : notAuthorized(right, `arn:aws:glue:${keys.region}:${glueAccount}:catalog`)
        return refusalFor(call, lakeFormation ? permissions : actions, grants, refusal)
      },
      refusals: [
        (call) => (nestedNamespace(call) ? invalid('Multi-level namespaces are not supported') : null),
        (call) => (makesTable(call) && call.document['stage-create'] === true ? invalid('Stage create is not supported') : null),
        (call) => {
          if (!makesTable(call) || (call.document.location === undefined) === tableBucket) return null
          return invalid(tableBucket ? 'The location can not be specified' : 'Location must be provided')
        },
        (call) =>
          makesTable(call) && call.document.location?.startsWith('s3a://') === true ? invalid('Unsupported location scheme: s3a') : null,
        (call) => (makesTable(call) && hasNestedPartition(call) ? invalid('Partitioning by nested fields is not supported') : null),
        ({ query }) => (query.get('purgeRequested') === 'true' ? invalid('Purge is not supported') : null),
        metadataWithin(metadataLimit, () => invalid('The size of the Iceberg table metadata exceeds the limit of 20 MB')),
      ],
      rewritten(call) {
        if (!makesTable(call)) return call.body
        const document = parseJson(call.body.toString(), 'the body') as Record<string, unknown>
        return Buffer.from(stringifyJson({ ...document, schema: lowerCased(document['schema']) }))
      },
    },
    meddle,
  )
}

function hasNestedPartition({ document: { schema, 'partition-spec': spec } }: CatalogCall): boolean {
  const own = new Set(schema?.fields?.map(({ id }) => id))
  return spec?.fields.some((field) => !own.has(field['source-id'])) === true
}

function invalid(message: string) {
  return error(400, 'InvalidInputException', message)
}

/** Every `name` in a schema in lower case. */
function lowerCased(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(lowerCased)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, key === 'name' && typeof item === 'string' ? item.toLowerCase() : lowerCased(item)]),
  )
}

const actions: Needs = {
  config: ['glue:GetCatalog'],
  loadNamespace: ['glue:GetDatabase'],
  createNamespace: ['glue:CreateDatabase'],
  listTables: ['glue:GetTables'],
  createTable: ['glue:CreateTable'],
  loadTable: ['glue:GetTable'],
  commit: ['glue:UpdateTable'],
  dropTable: ['glue:DeleteTable'],
}

const permissions: Needs = {
  createNamespace: ['Create Database'],
  createTable: ['Create Table'],
  loadTable: ['Select'],
  commit: ['Alter'],
  dropTable: ['Drop'],
}

function guarded(permission: string, database: string) {
  const on = permission === 'Create Database' ? 'Catalog' : permission === 'Create Table' ? database : 'the_table'
  return error(400, 'AccessDeniedException', `Insufficient Lake Formation permission(s): Required ${permission} on ${on}`)
}
