import { memoryCatalog, type CatalogFault } from '../../src/drivers/catalog/memory.ts'
import type { VirtualClock } from '../../src/drivers/clock/virtual.ts'
import { type SeededRandom, seededEntropy } from '../../src/drivers/entropy/seeded.ts'
import { WorkError } from '../../src/model/failure.ts'
import type { Catalog, CatalogProfile, CommitRequest } from '../../src/seams/catalog.ts'
import type { FaultKind } from './faults.ts'
import type { Life } from './life.ts'
import type { Surroundings } from './process-seams.ts'

/** One catalog for all, whose next operation can be given a fate. */
export interface SharedCatalog {
  readonly catalog: Catalog
  /** Begins an operation under a fate. */
  under<T>(fate: CatalogFault, operation: (catalog: Catalog) => Promise<T>): Promise<T>
  /** Who sent each snapshot, when the table was loaded that it was built on, ms, and whether the sender was told that it landed. */
  readonly sent: Map<bigint, { readonly by: string; readonly builtOnMs: number; told: boolean }>
  /** Who asked for a snapshot to be removed last, and the latest time of which it surely knew the references, ms. */
  readonly removed: Map<bigint, { readonly by: string; readonly knewMs: number }>
  conflicts: number
}

/** A process decides what to remove by what it has loaded at most so many loads ago. */
const loadsBehind = { keeper: 3, others: 50 }

export function sharedCatalog(clock: VirtualClock, random: SeededRandom, profile: CatalogProfile): SharedCatalog {
  let next: CatalogFault = 'none'
  const catalog = memoryCatalog({
    clock,
    entropy: seededEntropy(random, clock),
    warehouse: 's3://warehouse',
    profile,
    fault: () => {
      const fate = next
      next = 'none'
      return fate
    },
  })
  return {
    catalog,
    under(fate, operation) {
      // The catalog asks for the fate before it first waits for anything.
      const struck = <Asked extends unknown[], Answer>(ask: (...asked: Asked) => Answer) => {
        return (...asked: Asked): Answer => {
          next = fate
          return ask(...asked)
        }
      }
      return operation({
        ...catalog,
        ensureNamespace: struck(catalog.ensureNamespace),
        loadTable: struck(catalog.loadTable),
        createTable: struck(catalog.createTable),
        commitTable: async (table, request) =>
          struck(catalog.commitTable)(table, numbered(request, (await catalog.loadTable(table))?.metadata['last-sequence-number'] ?? 0n)),
      })
    },
    sent: new Map(),
    removed: new Map(),
    conflicts: 0,
  }
}

/**
 * A catalog that keeps no rule but the requirements: it numbers snapshots itself, so that a commit on an old parent is not refused for
 * its sequence number.
 */
function numbered(request: CommitRequest, lastNumber: bigint): CommitRequest {
  const updates = request.updates.map((update) =>
    update.action === 'add-snapshot' ? { ...update, snapshot: { ...update.snapshot, 'sequence-number': lastNumber + 1n } } : update,
  )
  return { ...request, updates }
}

/** The catalog as one process sees it. */
export function processCatalog(life: Life, random: SeededRandom, { clock, weather, faults, log, catalog: shared }: Surroundings): Catalog {
  const loadsMs = new Map<string, number[]>()

  async function travel(): Promise<void> {
    const { ms, slow } = weather.latencyMs(random)
    if (slow) faults.add('answer-slow')
    await clock.sleep(ms)
  }

  /** Sends an operation and waits for its answer. `effect`: it changes something, and may still do so when the process is dead. */
  async function ask<T>(
    what: string,
    effect: boolean,
    fate: { kind: FaultKind; fault: CatalogFault } | null,
    operation: (catalog: Catalog) => Promise<T>,
  ): Promise<T> {
    await life.gate()
    if (effect) life.sends()
    await travel()
    if (!life.alive) {
      if (!effect || random.chance(0.5)) await life.gate()
      faults.add('effect-after-death')
    }
    if (fate !== null) faults.add(fate.kind)
    log.add(life.name, `catalog ${what}${fate === null ? '' : `, ${fate.kind}`}`)
    const answer = await shared.under(fate?.fault ?? 'none', operation).then(
      (value) => () => value,
      (error: unknown) => () => {
        throw error
      },
    )
    await travel()
    await life.gate()
    return answer()
  }

  const failing = (kind: FaultKind): { kind: FaultKind; fault: CatalogFault } | null =>
    weather.strikes(random, 0.02) ? { kind, fault: new WorkError('catalog: no connection', { retry: 'later' }) } : null

  function commitFate(): { kind: FaultKind; fault: CatalogFault } | null {
    if (!weather.strikes(random, 0.12)) return null
    return random.pick([
      { kind: 'commit-conflict', fault: 'conflict' },
      { kind: 'commit-lost-before', fault: 'lost-before' },
      { kind: 'commit-lost-after', fault: 'lost-after' },
      { kind: 'commit-late', fault: { lateMs: 1 + random.below(random.chance(0.5) ? 3000 : 240_000) } },
      { kind: 'commit-error', fault: new WorkError('catalog: no connection', { retry: 'later' }) },
    ] as const)
  }

  return {
    profile: shared.catalog.profile,
    ensureNamespace: (namespace) =>
      ask('ensureNamespace', true, failing('namespace-error'), (catalog) => catalog.ensureNamespace(namespace)),
    loadTable: (table) =>
      ask(`load ${table.name}`, false, failing('load-error'), (catalog) => {
        loadsMs.set(table.name, [...(loadsMs.get(table.name) ?? []), clock.now()].slice(-loadsBehind.others))
        return catalog.loadTable(table)
      }),
    createTable: (table, request) => {
      const fate = weather.strikes(random, 0.2)
        ? random.pick([
            { kind: 'create-lost-before', fault: 'lost-before' },
            { kind: 'create-lost-after', fault: 'lost-after' },
          ] as const)
        : null
      return ask(`create ${table.name}`, true, fate, (catalog) => catalog.createTable(table, request))
    },
    async commitTable(table, request) {
      const id = snapshotOf(request)
      const loads = loadsMs.get(table.name) ?? []
      const sent = { by: life.name, builtOnMs: loads.at(-1) ?? 0, told: false }
      shared.sent.set(id, sent)
      const knewMs = loads.at(-(life.name.startsWith('keeper') ? loadsBehind.keeper : loadsBehind.others)) ?? loads[0] ?? 0
      for (const gone of removedBy(request)) shared.removed.set(gone, { by: life.name, knewMs })
      const fate = commitFate()
      const outcome = await ask(`commit ${table.name} ${id}`, true, fate, (catalog) => catalog.commitTable(table, request))
      if (outcome.kind === 'conflict' && fate === null) shared.conflicts++
      sent.told = outcome.kind === 'committed'
      log.add(life.name, `commit ${table.name} ${id}: ${outcome.kind}`)
      return outcome
    },
    listTables: (namespace) => ask('list tables', false, failing('load-error'), (catalog) => catalog.listTables(namespace)),
    dropTable: (table) => ask(`drop ${table.name}`, true, null, (catalog) => catalog.dropTable(table)),
    async close() {},
  }
}

function removedBy({ updates }: CommitRequest): readonly bigint[] {
  return updates.flatMap((update) => (update.action === 'remove-snapshots' ? update['snapshot-ids'] : []))
}

function snapshotOf({ updates }: CommitRequest): bigint {
  const added = updates.find((update) => update.action === 'add-snapshot')
  return added === undefined ? 0n : added.snapshot['snapshot-id']
}
