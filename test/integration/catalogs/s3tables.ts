import type { Treatment } from '../proxy.ts'
import { error, makesTable, metadataWithin, nestedNamespace, type PolicyProxy, policyProxy } from './policy-proxy.ts'
import { type Needs, notAuthorized, refusalFor } from './privileges.ts'
import { signatureRefusal, type SigningRules } from './sigv4-check.ts'

export const tableBucketArn = 'arn:aws:s3tables:us-east-1:123456789012:bucket/lake'

/**
 * Amazon S3 Tables' Iceberg REST endpoint, as far as it refuses. What it rests on, AWS' documentation unless it says otherwise, and no run against
 * the service:
 * - `/iceberg`, SigV4 for service `s3tables`; warehouse = the table bucket's ARN, which is the prefix as well, URL-encoded.
 * - A table's metadata document has a limit: 5 MB and the words of the refusal are as users of the service told them; the status is assumed: 400.
 * - With `grants`: the IAM actions of each operation; files are read and written with actions of the service's own.
 * - One level of namespaces, none that begins with `aws`; names in lower case, with a letter or digit at both ends; the service chooses the location. The statuses are assumed: 400.
 */
export function s3tablesProxy(
  target: string,
  {
    keys,
    meddle,
    grants,
    metadataLimit = 5 * 1024 ** 2,
  }: { keys: Omit<SigningRules, 'service'>; meddle?: Treatment; grants?: ReadonlySet<string>; metadataLimit?: number },
): Promise<PolicyProxy> {
  return policyProxy(
    target,
    {
      base: '/iceberg',
      warehouse: tableBucketArn,
      prefix: encodeURIComponent(tableBucketArn),
      unknown: (request) => signatureRefusal(request, { ...keys, service: 's3tables' }),
      denies: (call) => refusalFor(call, actions, grants, (right) => notAuthorized(right, tableBucketArn)),
      refusals: [
        (call) => (nestedNamespace(call) ? invalid('Multi-level namespaces are not supported') : null),
        (call) => (makesTable(call) && call.document.location !== undefined ? invalid('The location can not be specified') : null),
        ({ document: { name, namespace } }) =>
          [name, ...(namespace ?? [])].some((one) => one !== undefined && !/^(?!_)[a-z0-9_]{1,255}(?<!_)$/.test(one))
            ? invalid('The specified name is not valid')
            : null,
        ({ document: { namespace } }) =>
          namespace?.[0].startsWith('aws') === true ? invalid('The specified namespace name is not valid') : null,
        metadataWithin(metadataLimit, (location) => invalid(`Table metadata file ${location} exceeds the maximum allowed size`)),
      ],
    },
    meddle,
  )
}

function invalid(message: string) {
  return error(400, 'BadRequestException', message)
}

const actions: Needs = {
  config: ['s3tables:GetTableBucket'],
  loadNamespace: ['s3tables:GetNamespace'],
  createNamespace: ['s3tables:CreateNamespace'],
  listTables: ['s3tables:ListTables'],
  createTable: ['s3tables:CreateTable', 's3tables:PutTableData'],
  loadTable: ['s3tables:GetTableMetadataLocation', 's3tables:GetTableData'],
  commit: ['s3tables:UpdateTableMetadataLocation', 's3tables:PutTableData', 's3tables:GetTableData'],
  dropTable: ['s3tables:DeleteTable'],
}
