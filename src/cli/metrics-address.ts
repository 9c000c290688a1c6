import { DocumentError } from '../model/failure.ts'
import { listenAddress } from '../spec/forms.ts'
import type { OptionSpec } from './command.ts'

/** The option that says where metrics are served, for several processes of one document on one machine. */
export const metricsAddressOption: OptionSpec = {
  flags: '--metrics-address <address>',
  description: 'serve metrics, health and status here, such as ":9093", whatever spec.metrics.address says',
  parse(text) {
    try {
      return listenAddress(text)
    } catch (error) {
      throw new DocumentError(`--metrics-address: expected an address to listen on (${(error as Error).message}), found "${text}"`)
    }
  },
}
