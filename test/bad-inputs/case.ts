/** What can be wrong, in the order of the table in the docs. */
export const kinds = ['documents', 'arguments', 'segments', 'indexes', 'tables', 'catalogs', 'stores'] as const

/** An input that is wrong, and how to see what is said of it. */
export interface BadInput {
  readonly kind: (typeof kinds)[number]
  readonly what: string
  /** What the program does then. */
  readonly happens: string
  /** Makes the input, gives it to the real code, and returns the message. */
  readonly message: () => string | Promise<string>
}

/** The cases of one kind of which the same thing happens. */
export function cases(
  kind: BadInput['kind'],
  happens: string,
  list: readonly (readonly [what: string, message: BadInput['message']])[],
): BadInput[] {
  return list.map(([what, message]) => ({ kind, what, happens, message }))
}

/** The message of what an action throws; what differs from machine to machine is told by a name. */
export async function thrownBy(action: () => unknown): Promise<string> {
  try {
    await action()
  } catch (error) {
    return (error as Error).message.replaceAll(process.cwd(), '/here').replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:1234')
  }
  throw new Error('expected a failure')
}
