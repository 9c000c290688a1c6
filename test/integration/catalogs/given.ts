import type { RestCatalogOptions } from '../../../src/drivers/catalog/rest.ts'

/** A server that the environment names, by `POLARIS_URL` and the like. */
export interface GivenServer {
  readonly options: Pick<RestCatalogOptions, 'endpoint' | 'warehouse' | 'auth' | 'headers'>
  /** Where it keeps files, if that is no AWS. */
  readonly s3Endpoint?: string
}

const bases = { POLARIS: '/api/catalog', UNITY: '/api/2.1/unity-catalog/iceberg' }

/**
 * What the environment says of a server: `…_URL` (with or without the path of its Iceberg API), and one of `…_TOKEN` and `…_CLIENT_ID` with
 * `…_CLIENT_SECRET`; `…_WAREHOUSE` and `…_S3_ENDPOINT` where it has them, `POLARIS_REALM` where there are several. Null without a URL.
 */
export function givenServer(name: keyof typeof bases, environment: NodeJS.ProcessEnv = process.env): GivenServer | null {
  const of = (key: string): string | undefined => environment[`${name}_${key}`] || undefined
  const url = of('URL')
  if (url === undefined) return null
  const { pathname } = new URL(url)
  const [token, clientId, clientSecret, realm] = [of('TOKEN'), of('CLIENT_ID'), of('CLIENT_SECRET'), of('REALM')]
  const auth =
    token !== undefined
      ? { kind: 'bearer' as const, token: () => token }
      : clientId !== undefined && clientSecret !== undefined
        ? { kind: 'oauth2' as const, clientId, clientSecret: () => clientSecret }
        : undefined
  return {
    options: {
      endpoint: pathname === '/' ? `${url.replace(/\/+$/, '')}${bases[name]}` : url,
      warehouse: of('WAREHOUSE'),
      auth,
      ...(realm !== undefined && { headers: () => ({ 'Polaris-Realm': realm }) }),
    },
    s3Endpoint: of('S3_ENDPOINT'),
  }
}
