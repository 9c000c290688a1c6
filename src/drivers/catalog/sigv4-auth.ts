import { WorkError } from '../../model/failure.ts'
import type { AwsCredentials } from '../aws/credentials.ts'
import { requestSigner } from '../aws/sign.ts'
import type { RestAuth } from './rest-auth.ts'

export interface SigV4Options {
  readonly region: string
  /** `glue`, `s3tables`, `execute-api`. */
  readonly service: string
  readonly credentials: AwsCredentials
}

/** Requests signed with AWS keys, as Glue and S3 Tables want them. */
export function sigv4Auth({ credentials, ...scope }: SigV4Options): RestAuth {
  let secrets: readonly string[] = []
  const sign = requestSigner(scope, async () => {
    const keys = await credentials()
    secrets = [keys.secretAccessKey, ...(keys.sessionToken === undefined ? [] : [keys.sessionToken])]
    return keys
  })
  return {
    async headersFor(request) {
      try {
        return await sign(request)
      } catch (error) {
        const message = `no AWS credentials to sign requests to the catalog with: ${(error as Error).message}`
        throw new WorkError(message, { retry: 'later', cause: error })
      }
    },
    secrets: () => secrets,
    refused: () => false,
  }
}
