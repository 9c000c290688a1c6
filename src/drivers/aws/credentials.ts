import { fromNodeProviderChain, fromTemporaryCredentials } from '@aws-sdk/credential-providers'

/** Keys to sign with. */
export interface AwsKeys {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
  readonly expiration?: Date
}

/** Gives keys that are good now; remembers them until shortly before they expire. Throws what the chain throws where it finds none. */
export type AwsCredentials = () => Promise<AwsKeys>

/** A role to assume (STS, AssumeRole). */
export interface AwsRole {
  readonly roleArn: string
  /** What the role's trust policy asks for, where another account owns it. */
  readonly externalId?: string
  readonly region: string
}

/** A session's name, in CloudTrail. */
const sessionName = 'iceberg-processor'
/** Keys are renewed this long before they expire. */
const marginMs = 300_000

/** What the AWS chain finds: environment, profile, web identity, container and pod identity, instance. */
export function chainCredentials(): AwsCredentials {
  // A chain remembers keys that do not expire for good: each question is for a new one, which reads the files anew.
  return remembered(() => fromNodeProviderChain({ ignoreCache: true })())
}

/**
 * The keys of a role that is assumed with `base`, or with what the chain finds. A refusal is no refusal of what the keys are for: it is told
 * as a CredentialsProviderError.
 */
export function roleCredentials({ roleArn, externalId, region }: AwsRole, base?: AwsCredentials): AwsCredentials {
  const assume = fromTemporaryCredentials({
    params: { RoleArn: roleArn, ExternalId: externalId, RoleSessionName: sessionName },
    masterCredentials: base,
    clientConfig: { region },
  })
  return remembered(async () => {
    try {
      return await assume()
    } catch (error) {
      const { name, message } = error as Error
      const said = `the role ${roleArn} can not be assumed: ${name} ${message}`
      throw Object.assign(new Error(said), { name: 'CredentialsProviderError' })
    }
  })
}

/** One question at a time, and its answer for as long as the keys are good; keys without an expiry are asked for each time, since they rotate. */
function remembered(ask: AwsCredentials): AwsCredentials {
  let known: AwsKeys | null = null
  let pending: Promise<AwsKeys> | null = null
  return async () => {
    const expiresAtMs = known?.expiration?.getTime()
    if (known !== null && expiresAtMs !== undefined && expiresAtMs - Date.now() > marginMs) return known
    pending ??= ask()
      .then((keys) => (known = keys))
      .finally(() => (pending = null))
    return pending
  }
}
