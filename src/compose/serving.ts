import { systemClock } from '../drivers/clock/system.ts'
import { countingMeter } from '../drivers/meter/counting.ts'
import type { Exposition } from '../drivers/meter/prometheus.ts'
import type { DocumentHealth } from '../model/health.ts'
import { redactor } from '../model/redaction.ts'
import { documentHealth, processorName } from '../service/feed/document-watch.ts'
import type { Meter } from '../seams/meter.ts'
import { routesOf } from '../serve/routes.ts'
import { type Listening, listen } from '../serve/server.ts'
import type { ProcessorDocument } from '../spec/document.ts'

/** Metrics, health and readiness of a process, as its documents or its command line want them served. */
export interface Serving {
  /** The meter for what is done for a document; it goes on when the document is opened again. */
  meter(document: ProcessorDocument): Meter
  /** From now on `health` says how the document does. */
  watch(document: ProcessorDocument, health: () => DocumentHealth): void
  /** Where it is served: address and port. */
  readonly addresses: readonly { readonly address: string; readonly port: number }[]
  close(): Promise<void>
}

interface Place {
  readonly exposition: Exposition
  readonly meters: Map<string, Meter>
  readonly health: Map<string, () => DocumentHealth>
}

/**
 * One server for each address that documents name, or for `address` instead of them all; without any, nothing is served and what is
 * measured is only counted. Throws a WorkError where an address can not be listened on.
 */
export async function openServing(
  documents: readonly ProcessorDocument[],
  address: string | undefined,
  secrets: () => Iterable<string>,
): Promise<Serving> {
  const places = new Map<string, Place>()
  const listening: { address: string; port: number; close: Listening['close'] }[] = []
  const placeOf = (document: ProcessorDocument) => places.get(address ?? document.spec.metrics?.address ?? '')

  for (const document of documents) {
    const where = address ?? document.spec.metrics?.address
    if (where === undefined) continue
    const { prometheusExposition } = await import('../drivers/meter/prometheus.ts')
    let place = places.get(where)
    if (place === undefined) places.set(where, (place = { exposition: prometheusExposition(), meters: new Map(), health: new Map() }))
    const name = processorName(document.metadata)
    const meter = place.exposition.meter(name)
    place.meters.set(name, meter)
    // Until it is open.
    place.health.set(name, () => documentHealth(document, { queue: { depth: 0 }, meter }, { discovered: false, failing: null, tables: [] }))
  }
  const close = async () => {
    await Promise.all(listening.map((one) => one.close()))
  }
  for (const [where, { exposition, health }] of places) {
    const routes = routesOf({
      health: () => [...health.values()].map((read) => read()),
      metrics: async () => ({ contentType: exposition.contentType, text: await exposition.text() }),
      now: () => systemClock.now(),
      redact: (text) => redactor(secrets())(text),
    })
    try {
      listening.push({ address: where, ...(await listen(where, routes)) })
    } catch (error) {
      await close()
      throw error
    }
  }
  return {
    meter: (document) => placeOf(document)?.meters.get(processorName(document.metadata)) ?? countingMeter(),
    watch: (document, health) => void placeOf(document)?.health.set(processorName(document.metadata), health),
    addresses: listening,
    close,
  }
}
