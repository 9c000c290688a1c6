import type { Clock } from '../../seams/clock.ts'
import type { AwsCredentials } from '../aws/credentials.ts'
import type { HttpClient } from '../http/undici.ts'
import { oauth2Auth } from './oauth2-auth.ts'
import type { RestProfile } from './profiles.ts'
import { bearerAuth, type RestAuth } from './rest-auth.ts'
import { sigv4Auth } from './sigv4-auth.ts'

/** In whose name requests are sent. What is not given is as the catalog's profile says. */
export type AuthSettings =
  /** The token is asked for before each request, since others renew it. */
  | { readonly kind: 'bearer'; readonly token: () => string | undefined }
  /** Client credentials (RFC 6749, section 4.4). */
  | {
      readonly kind: 'oauth2'
      readonly clientId: string
      readonly clientSecret: () => string
      readonly tokenEndpoint?: string
      readonly scope?: string
    }
  /** AWS Signature Version 4. */
  | { readonly kind: 'sigv4'; readonly service?: string }

/** Where requests are signed for, and with whose keys. */
export interface AwsSigning {
  readonly region: string
  readonly credentials: AwsCredentials
}

export interface AuthSurroundings {
  readonly endpoint: string
  readonly headers: () => Readonly<Record<string, string>>
  /** Asked once, where requests are signed. */
  readonly aws: () => AwsSigning
  readonly clock: Clock
}

/** The service that API Gateway signs for: the default of Iceberg's own client. */
const anyService = 'execute-api'

/** Who sends requests: as the settings say, else as the profile has it; nobody where that needs none. */
export function openAuth(settings: AuthSettings | undefined, profile: RestProfile, around: AuthSurroundings, http: HttpClient): RestAuth {
  const { endpoint, headers, clock } = around
  const chosen = settings ?? (profile.sigv4Service === undefined ? undefined : { kind: 'sigv4' as const })
  switch (chosen?.kind) {
    case 'oauth2': {
      const { clientId, clientSecret, tokenEndpoint = profile.tokenEndpoint(endpoint), scope = profile.oauth2Scope } = chosen
      return oauth2Auth({ clientId, clientSecret, tokenEndpoint, scope, headers, clock }, http)
    }
    case 'sigv4':
      return sigv4Auth({ ...around.aws(), service: chosen.service ?? profile.sigv4Service ?? anyService })
    case 'bearer':
    case undefined:
      return bearerAuth(chosen?.token ?? (() => undefined))
  }
}
