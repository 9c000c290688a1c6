/** An error as a log line shows it. */
export interface ErrorFields {
  readonly type: string
  readonly message: string
  /** `type: message` of each cause, the nearest first; of an AggregateError its members too. */
  readonly causes?: readonly string[]
  readonly stack?: string
}

/** A chain of causes longer than this is cut, so that a cycle ends. */
const longestChain = 8

/** Name, message and causes of an error, each passed through `redact`; the stack where `withStack`. */
export function describeError(error: Error, redact: (text: string) => string, withStack: boolean): ErrorFields {
  const causes: string[] = []
  collectCauses(error, causes)
  return {
    type: error.name,
    message: redact(error.message),
    ...(causes.length > 0 && { causes: causes.map(redact) }),
    ...(withStack && error.stack !== undefined && { stack: redact(error.stack) }),
  }
}

function collectCauses(error: Error, into: string[]): void {
  const below: unknown[] = [...(error instanceof AggregateError ? error.errors : []), ...(error.cause === undefined ? [] : [error.cause])]
  for (const cause of below) {
    if (into.length >= longestChain) return
    if (cause instanceof Error) {
      into.push(`${cause.name}: ${cause.message}`)
      collectCauses(cause, into)
    } else if (typeof cause === 'string') into.push(cause)
  }
}
