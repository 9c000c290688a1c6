/** What is known of a kind of catalog before one is asked, for whoever reads documents as for its driver. The rest is in the driver's profile. */
export interface CatalogProduct {
  /** Whether it is asked for keys to its tables' files where the document does not say. */
  readonly vends: boolean
  /** The service of AWS that it is: requests are signed for it, and its endpoint is made of it and a region. */
  readonly awsService?: string
  /** Whether names of columns are taken in lower case only. */
  readonly lowerCaseColumns?: boolean
  /** Types of columns that it refuses, as the specification names them without their length: `uuid`, `fixed`. */
  readonly refusedTypes?: readonly string[]
}

/** What a document's `catalog.type` may name beside `sql`, which is a file. */
export const catalogProductNames = ['unity', 'polaris', 'glue', 's3tables', 'rest'] as const

export type CatalogProductName = (typeof catalogProductNames)[number]

export const catalogProducts: Readonly<Record<CatalogProductName, CatalogProduct>> = {
  unity: { vends: true, refusedTypes: ['uuid', 'fixed', 'time', 'timestamp_ns', 'timestamptz_ns'] },
  polaris: { vends: true },
  glue: { vends: false, awsService: 'glue', lowerCaseColumns: true },
  s3tables: { vends: false, awsService: 's3tables', lowerCaseColumns: true },
  rest: { vends: false },
}

/** What is known of the kind that a document names; nothing of `sql`. */
export function catalogProduct(type: CatalogProductName | 'sql'): CatalogProduct | undefined {
  return type === 'sql' ? undefined : catalogProducts[type]
}
