import { expect, test } from 'vitest'
import { inProcessQueue } from '../../../src/drivers/queue/in-process.ts'
import { comparablePath } from '../../../src/formats/iceberg/comparable-path.ts'
import { compactTables } from '../../../src/service/maintain/compact-tables.ts'
import type { TaskResult } from '../../../src/pipeline/flow.ts'
import { liveEntries, manifestsOf } from '../../../src/pipeline/maintain/unreached-files.ts'
import { sweepOrphans } from '../../../src/service/maintain/orphan-sweep.ts'
import { carryOutRewrite } from '../../../src/service/tasks/rewrite-task.ts'
import type { TablePayload } from '../../../src/service/tasks/task-payload.ts'
import { carryOut } from '../../../src/service/tasks/worker.ts'
import { load, smallest } from '../spec/documents.ts'
import { at, batch } from './segments.ts'
import { namespace, rowsOf, sourceId, type World, world } from './world.ts'

const rows = 12
const document = load(
  smallest((plain) => {
    plain.spec.source.topics = ['*']
    plain.spec.sink = { database: namespace[0] }
    plain.spec.mappings = [{ topic: '*', value: { format: 'binary' } }]
  }),
)

/** A table of six files. */
async function table(): Promise<World> {
  const made = world()
  for (let base = 0n; base < rows; base += 2n) {
    await made.write(at, base, [batch(base, 2)])
    await made.runOnce()
  }
  return made
}

/** A life that ends at its `n`th step, before it is done or after: whatever is asked of the world then fails. */
function mortal(n: number, when: 'before' | 'after') {
  let steps = 0
  const killed = () => new Error('killed')
  async function step<T>(act: () => Promise<T>): Promise<T> {
    steps++
    if (steps > n || (steps === n && when === 'before')) throw killed()
    const done = await act()
    if (steps >= n) throw killed()
    return done
  }
  return { step, isDead: () => steps >= n }
}

/** Compacts in a process that is killed at its `n`th step. Whether it was. */
async function compactUntil({ clock, seams, catalog, io }: World, n: number, when: 'before' | 'after'): Promise<boolean> {
  const { step, isDead } = mortal(n, when)
  const dying = {
    ...seams,
    catalog: {
      ...catalog,
      loadTable: (...asked: Parameters<typeof catalog.loadTable>) => step(() => catalog.loadTable(...asked)),
      commitTable: (...asked: Parameters<typeof catalog.commitTable>) => step(() => catalog.commitTable(...asked)),
    },
    io: {
      ...io,
      read: (...asked: Parameters<typeof io.read>) => step(() => io.read(...asked)),
      write: (...asked: Parameters<typeof io.write>) => step(() => io.write(...asked)),
    },
  }
  const own = {
    ...dying,
    queue: inProcessQueue<TablePayload, TaskResult>(),
    carryOut,
    rewrites: { catalog: dying.catalog, namespace, io: dying.io, carryOut: carryOutRewrite },
  }
  try {
    await clock.run(() => compactTables(document, undefined, { id: sourceId, prefix: 'p/' }, own, { dryRun: false }))
  } catch (error) {
    if (!isDead()) throw error
  }
  return isDead()
}

/** What the snapshots of the table name, and what lies there. */
async function files({ table: current, io, warehouse }: World): Promise<{ named: string[]; there: string[] }> {
  const named = new Set<string>()
  for (const snapshot of (await current('orders')).snapshots ?? []) {
    named.add(snapshot['manifest-list'])
    for (const manifest of await manifestsOf(snapshot, io)) {
      named.add(manifest.manifestPath)
      for (const { dataFile } of await liveEntries(manifest, io)) named.add(dataFile.filePath)
    }
  }
  const there = warehouse.keys().map((key) => `/${key}`)
  return { named: [...named].map(comparablePath).toSorted(), there: there.toSorted() }
}

test.each(['before', 'after'] as const)(
  'a compaction that is killed %s any of its steps leaves the rows as they are, and only orphans, which a sweep finds',
  async (when) => {
    const made = await table()
    const before = (await made.table('orders')).snapshots!.length
    let n = 1
    for (; await compactUntil(made, n, when); n++) {
      expect(await made.rows('orders'), `killed at step ${n}`).toEqual(rowsOf(at, 0, rows))
      const { named, there } = await files(made)
      expect(there, `killed at step ${n}`).toEqual(expect.arrayContaining(named))
    }
    // Reading the inputs, writing the output, a manifest and its list, and the commit.
    expect(n).toBeGreaterThan(15)
    expect(await made.rows('orders')).toEqual(rowsOf(at, 0, rows))
    const { snapshots } = await made.table('orders')
    expect(snapshots).toHaveLength(before + 1)
    expect(snapshots!.at(-1)!.summary).toMatchObject({ operation: 'replace', 'total-data-files': '1' })

    const { named, there } = await files(made)
    const orphans = there.filter((path) => !named.includes(path))
    expect(orphans.length).toBeGreaterThan(3)
    await made.clock.advanceBy(73 * 3_600_000)
    const sweep = { olderThanMs: 72 * 3_600_000, remove: true }
    const swept = await made.clock.run(() => sweepOrphans({ namespace, name: 'orders' }, sweep, made.seams))
    expect(swept).toMatchObject({ orphans: orphans.length, removed: orphans.length })
    expect((await files(made)).there).toEqual(named)
    expect(await made.rows('orders')).toEqual(rowsOf(at, 0, rows))
  },
)
