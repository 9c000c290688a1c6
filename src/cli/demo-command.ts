import { type Command, jsonOption } from './command.ts'

interface DemoOptions {
  readonly directory?: string
  readonly json?: boolean
}

/** `demo`: the whole road on sample segments, with nothing but this machine. */
export const demoCommand: Command<DemoOptions> = {
  description:
    "Turns sample segments, as KafScale's broker wrote them, into Iceberg tables in a directory of this machine: no account, no server. Shows the result, runs again to show that nothing comes twice, and says how to open the tables.",
  options: [{ flags: '--directory <dir>', description: 'where segments, catalog and tables go (default: ./demo)' }, jsonOption],
  examples: [
    ['demo', 'See it work:'],
    ['demo --directory /tmp/lake', 'Keep the tables somewhere else:'],
  ],
  async run({ options }, terminal) {
    const { demo } = await import('./demo.ts')
    const { ok } = await demo({ directory: options.directory ?? 'demo', json: options.json ?? false }, terminal)
    return ok ? 0 : 1
  },
}
