import { WorkError } from '../../model/failure.ts'
import type { CatalogProfile, CatalogRight } from '../../seams/catalog.ts'
import type { ProcessorDocument } from '../../spec/document.ts'

/** What is done to an object, or to a bucket: the IAM action that allows it. */
export type StoreAction = 's3:ListBucket' | 's3:GetObject' | 's3:PutObject' | 's3:DeleteObject'

/** Where the keys for a bucket come from. */
export type KeyOrigin = 'spec.source.s3' | 'spec.sink.storage' | 'the catalog'

/**
 * What to grant or change where a bucket refused; nothing where the failure says all there is to say. `place`: the bucket with the prefix
 * that is meant, `s3://bucket/prefix/`.
 */
export function storeAdvice(error: unknown, action: StoreAction, place: string, keys: KeyOrigin): string[] {
  if (!(error instanceof WorkError)) return []
  const s3 = /^s3[an]?:\/\/([^/]+)\/(.*)$/s.exec(place)
  if (error.lacking === 'right' && s3 !== null) {
    const [, bucket, prefix] = s3
    const resource = action === 's3:ListBucket' ? bucket : `${bucket}/${prefix}*`
    return [`allow ${action} on arn:aws:s3:::${resource}`]
  }
  if (error.lacking !== 'identity') return elsewhere(error, keys)
  const role = / the role (arn:\S+) can not be assumed: /.exec(error.message)?.[1]
  if (role !== undefined)
    return [`allow sts:AssumeRole on ${role}, and who asks in its trust policy, with externalId where that asks for one`]
  if (keys === 'the catalog') return ["the catalog gave these keys: see to the catalog's own access to the bucket"]
  return [`check accessKeyId and secretAccessKey in ${keys}, or what the AWS credential chain finds where they are left out`]
}

/** What to change where it is not who asks that is wrong. */
function elsewhere({ lacking, message }: WorkError, keys: KeyOrigin): string[] {
  const where = keys === 'the catalog' ? "the catalog's own settings of its storage, which it gave" : keys
  if (lacking === 'clock') return [setClock]
  if (lacking === 'endpoint') return [`check endpoint in ${where}, and that this machine may connect to it`]
  if (lacking === 'region') {
    const region = / the bucket lies in (\S+), /.exec(message)?.[1]
    return [`set region${region === undefined ? '' : `: ${region}`} in ${where}`]
  }
  if (lacking !== 'bucket') return []
  return [keys === 'spec.source.s3' ? 'correct bucket in spec.source.s3' : noBucket]
}

const noBucket = 'create the bucket, or correct where tables lie: spec.sink.tables.location, or the storage that the catalog has'
const setClock = "set this machine's clock by NTP"

/** What to grant or change where a catalog refused something for which these rights are needed. */
export function catalogAdvice(
  error: unknown,
  rights: readonly [CatalogRight, ...CatalogRight[]],
  profile: CatalogProfile,
  document: ProcessorDocument,
): string[] {
  if (!(error instanceof WorkError)) return []
  // Polaris' words where the storage of a catalog has no STS.
  if (/credential vending was requested/i.test(error.message))
    return ['set accessDelegation: none in spec.sink.catalog, and the keys for the files in spec.sink.storage']
  if (/NoSuchBucket|specified bucket does not exist/.test(error.message)) return [noBucket]
  if (error.lacking === 'identity') return [identityAdvice(document, profile)]
  if (error.lacking === 'right') return grantsFor(rights, profile, document, error.message)
  if (error.lacking === 'clock') return [setClock]
  return error.lacking === undefined ? [] : [placeAdvice(error, profile, document)]
}

/** How that is written which the document has wrong of where the catalog is. */
function placeAdvice(
  { lacking, message }: WorkError,
  { product = 'the catalog', written }: CatalogProfile,
  { spec }: ProcessorDocument,
): string {
  const { endpoint, warehouse, oauth2 } = spec.sink.catalog
  if (/\brealm\b/i.test(message)) return 'set headers: {Polaris-Realm: …} in spec.sink.catalog to a realm that the server has'
  if (lacking === 'warehouse')
    return `${warehouse === undefined ? 'set' : 'check'} warehouse in spec.sink.catalog: of ${product} it is ${written?.warehouse}`
  if (lacking === 'tokenEndpoint' && oauth2?.tokenEndpoint !== undefined) return 'check tokenEndpoint in spec.sink.catalog.oauth2'
  if (/\/v1\/*$/.test(endpoint)) return 'leave out /v1 at the end of endpoint in spec.sink.catalog'
  const own = lacking === 'tokenEndpoint' ? '; tokens from elsewhere: set tokenEndpoint in spec.sink.catalog.oauth2' : ''
  return `check endpoint in spec.sink.catalog: of ${product} it is ${written?.endpoint}${own}`
}

/**
 * As `storeAdvice`, for a table's files: where the catalog decides who may read and write them, what to grant there. A catalog that gives
 * keys may itself lack access to the bucket, which the keys alone do not show.
 */
export function fileAdvice(
  error: unknown,
  action: StoreAction,
  place: string,
  keys: KeyOrigin,
  profile: CatalogProfile,
  document: ProcessorDocument,
): string[] {
  const inStore = storeAdvice(error, action, place, keys)
  const isDenied = error instanceof WorkError && error.lacking === 'right' && inStore.length > 0
  if (!isDenied || (keys !== 'the catalog' && profile.grants?.ownsFiles !== true)) return inStore
  const grants = grantsFor([action === 's3:GetObject' ? 'readFiles' : 'writeFiles'], profile, document)
  const behind = inStore.map((allowed) => `where that is granted: ${allowed} for the role by which the catalog itself reaches the bucket`)
  return keys === 'the catalog' ? [...grants, ...behind] : grants
}

/**
 * What grants these rights, in the catalog's words, or what the catalog's refusal itself names; one sentence where its words are not
 * known.
 */
export function grantsFor(
  rights: readonly [CatalogRight, ...CatalogRight[]],
  { grants }: CatalogProfile,
  document: ProcessorDocument,
  refusal = '',
): string[] {
  const { catalog, database, storage } = document.spec.sink
  if (grants === undefined) return [`grant it to the identity in spec.sink.catalog: ${rights.map((right) => rightNames[right]).join(', ')}`]
  const values: Readonly<Record<string, string | undefined>> = {
    catalog: catalog.warehouse,
    namespace: database,
    region: catalog.sigv4?.region ?? storage.region ?? /\.([a-z]{2}(?:-[a-z]+)+-\d)\./.exec(catalog.endpoint)?.[1],
    PRINCIPAL: catalog.oauth2?.clientId ?? catalog.sigv4?.roleArn,
    ACCOUNT: /^\d{12}(?=$|:)/.exec(catalog.warehouse ?? '')?.[0],
  }
  const fill = (_found: string, name: string) => values[name] ?? `<${name.toLowerCase()}>`
  const wanted = grants.named(refusal, rights) ?? rights.flatMap((right) => grants.byRight[right])
  return [...new Set(wanted)].map((grant) => grant.replaceAll(/\{(\w+)\}/g, fill))
}

const rightNames: Readonly<Record<CatalogRight, string>> = {
  list: 'listing tables',
  createNamespace: 'creating the namespace',
  createTable: 'creating tables',
  load: 'loading tables',
  readFiles: "credentials that read tables' files",
  writeFiles: "credentials that write tables' files",
  commit: 'committing to tables',
  drop: 'dropping tables',
}

function identityAdvice({ spec }: ProcessorDocument, { sigv4Service }: CatalogProfile): string {
  const { endpoint, oauth2, token, sigv4 } = spec.sink.catalog
  if (/\/v1\/*$/.test(endpoint)) return 'leave out /v1 at the end of endpoint in spec.sink.catalog'
  if (oauth2 !== undefined) return 'check clientId, clientSecret, tokenEndpoint and scope in spec.sink.catalog.oauth2'
  if (token !== undefined) return 'renew the token in spec.sink.catalog.token'
  if (sigv4 !== undefined || sigv4Service !== undefined)
    return 'check what the AWS credential chain finds, and region, roleArn and service in spec.sink.catalog.sigv4'
  return 'say who asks in spec.sink.catalog: token, oauth2 or sigv4'
}
