/** A request to the catalog that is to be sent in somebody's name. */
export interface UnsignedRequest {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

/** In whose name requests are sent. Asked anew for each, since tokens and keys are renewed while we run. */
export interface RestAuth {
  /** The headers that go with a request. Throws a WorkError where nothing can be shown. */
  headersFor(request: UnsignedRequest): Promise<Readonly<Record<string, string>>>
  /** What must never stand in a message. */
  secrets(): readonly string[]
  /** The catalog did not accept these headers: what they show is forgotten. True where something else can be shown at once. */
  refused(shown: Readonly<Record<string, string>>): boolean
}

/** A bearer token that somebody else renews: it is read each time. */
export function bearerAuth(token: () => string | undefined): RestAuth {
  let shown: string | undefined
  const read = () => token()?.trim() || undefined
  return {
    async headersFor(): Promise<Record<string, string>> {
      shown = read()
      const authorization = authorizationOf(shown)
      return authorization === undefined ? {} : { authorization }
    },
    secrets: () => (shown === undefined ? [] : [shown]),
    refused: ({ authorization }) => authorizationOf(read()) !== authorization,
  }
}

function authorizationOf(token: string | undefined): string | undefined {
  return token === undefined ? undefined : `Bearer ${token}`
}
