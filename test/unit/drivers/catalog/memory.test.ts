import { describe, expect, it } from 'vitest'
import { memoryCatalog } from '../../../../src/drivers/catalog/memory.ts'
import type { CatalogFault } from '../../../../src/drivers/catalog/memory.ts'
import { systemClock } from '../../../../src/drivers/clock/system.ts'
import { virtualClock } from '../../../../src/drivers/clock/virtual.ts'
import { systemEntropy } from '../../../../src/drivers/entropy/system.ts'
import type { TableMetadata } from '../../../../src/formats/iceberg/table-metadata.ts'
import {
  appendRequirements,
  appendUpdates,
  catalogConformance,
  freeProfile,
  idempotencyKey,
  simpleTable,
} from '../../../conformance/catalog.ts'

const warehouse = 'memory://warehouse'
const table = { namespace: ['db'], name: 't' }

catalogConformance('the memory catalog', freeProfile, async () => {
  const catalog = memoryCatalog({ warehouse, clock: systemClock, entropy: systemEntropy(systemClock) })
  return { catalog, other: catalog, close: () => catalog.close() }
})

/** A catalog with one table, whose next operation meets `fate`. */
async function oneTable() {
  const clock = virtualClock(Date.now())
  const fates: CatalogFault[] = []
  const catalog = memoryCatalog({ warehouse, clock, entropy: systemEntropy(clock), fault: () => fates.shift() ?? 'none' })
  await catalog.ensureNamespace(['db'])
  await catalog.createTable(table, simpleTable)
  const load = async (): Promise<TableMetadata> => {
    const loaded = await catalog.loadTable(table)
    if (loaded === null) throw new Error('the table is gone')
    return loaded.metadata
  }
  const append = (parent: TableMetadata) =>
    catalog.commitTable(table, {
      requirements: appendRequirements(parent),
      updates: appendUpdates(parent),
      idempotencyKey: idempotencyKey(),
    })
  return { catalog, clock, load, append, strike: (fate: CatalogFault) => fates.push(fate) }
}

describe('the memory catalog under faults', () => {
  it('loses a commit before it takes effect', async () => {
    const { load, append, strike } = await oneTable()
    const parent = await load()
    strike('lost-before')
    expect((await append(parent)).kind).toBe('unknown')
    expect(await load()).toEqual(parent)
  })

  it('loses the answer of a commit that took effect', async () => {
    const { load, append, strike } = await oneTable()
    const parent = await load()
    strike('lost-after')
    expect((await append(parent)).kind).toBe('unknown')
    expect((await load()).snapshots).toHaveLength(1)
  })

  it('lets a commit arrive late, which then meets the conflict that its successor made', async () => {
    const { clock, load, append, strike } = await oneTable()
    const parent = await load()
    strike({ lateMs: 60_000 })
    expect((await append(parent)).kind).toBe('unknown')
    expect((await append(parent)).kind).toBe('committed')
    await clock.advanceBy(60_000)
    expect((await load()).snapshots).toHaveLength(1)
  })

  it('lets a commit arrive late and take effect where nothing else happened', async () => {
    const { clock, load, append, strike } = await oneTable()
    const parent = await load()
    strike({ lateMs: 60_000 })
    await append(parent)
    expect((await load()).snapshots).toHaveLength(0)
    await clock.advanceBy(60_000)
    expect((await load()).snapshots).toHaveLength(1)
  })

  it('answers with a conflict that has no reason', async () => {
    const { load, append, strike } = await oneTable()
    const parent = await load()
    strike('conflict')
    expect((await append(parent)).kind).toBe('conflict')
    expect((await append(parent)).kind).toBe('committed')
  })

  it('loses the answer of a load and of a creation, which took effect', async () => {
    const { catalog, load, strike } = await oneTable()
    strike('lost-before')
    await expect(load()).rejects.toMatchObject({ name: 'WorkError', retry: 'later' })
    strike('lost-after')
    await expect(catalog.createTable({ ...table, name: 'u' }, simpleTable)).rejects.toMatchObject({ retry: 'later' })
    expect(await catalog.createTable({ ...table, name: 'u' }, simpleTable)).toEqual({ kind: 'exists' })
  })

  it('gives documents that nobody can alter, and keeps none of the caller’s', async () => {
    const { catalog, load } = await oneTable()
    const parent = await load()
    const updates = appendUpdates(parent)
    await catalog.commitTable(table, { requirements: [], updates, idempotencyKey: idempotencyKey() })
    expect(Object.isFrozen((await load()).snapshots?.[0]?.summary)).toBe(true)
    expect(Object.isFrozen(updates[0])).toBe(false)
  })
})
