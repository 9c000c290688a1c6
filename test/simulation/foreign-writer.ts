import type { SharedCatalog } from './process-catalog.ts'
import { type SeededRandom, seededEntropy } from '../../src/drivers/entropy/seeded.ts'
import type { VirtualClock } from '../../src/drivers/clock/virtual.ts'
import type { ManifestFile } from '../../src/formats/iceberg/data-file.ts'
import { readManifestList, writeManifestList } from '../../src/formats/iceberg/manifest-list.ts'
import {
  currentSchema,
  currentSnapshot,
  refSnapshotId,
  type Snapshot,
  snapshotById,
  type TableMetadata,
} from '../../src/formats/iceberg/table-metadata.ts'
import type { TableUpdate } from '../../src/formats/iceberg/table-update.ts'
import { summaryKeys } from '../../src/pipeline/commit/summary-keys.ts'
import { ancestorsOf, isOurs } from '../../src/pipeline/commit/table-state.ts'
import type { FileIO } from '../../src/seams/file-io.ts'
import type { TopicMapping } from '../../src/spec/table-mapping.ts'
import type { EventLog } from './event-log.ts'
import { ForeignRefs, namedByRefs } from './foreign-refs.ts'
import { type Change, ForeignFiles } from './foreign-files.ts'
import type { TableReader } from './table-reader.ts'
import type { FaultCounts, FaultKind } from './faults.ts'

export interface ForeignSurroundings {
  readonly clock: VirtualClock
  readonly catalog: SharedCatalog
  readonly io: FileIO
  readonly log: EventLog
  readonly faults: FaultCounts
  readonly mapping: TopicMapping
  readonly rollbacks: boolean
  /** Whether somebody expires snapshots: then it is taken back more often and for longer, so that they meet that. */
  readonly isExpired: boolean
  /** It deletes no rows, and rarely brings some. */
  readonly isMild: boolean
  readonly reader: TableReader
  /** The age at which every snapshot that is not current goes, ms; null: none does. */
  readonly snapshotExpiryMs: number | null
}

/** Another writer on one of the tables, which knows nothing of this program: appends, rewrites, deletes, expires, takes back. */
export class ForeignWriter {
  readonly #table: { readonly namespace: readonly string[]; readonly name: string }
  readonly #random: SeededRandom
  readonly #around: ForeignSurroundings
  readonly #entropy: ReturnType<typeof seededEntropy>
  readonly #files: ForeignFiles
  /** Set while main stands at an older snapshot: since when, and where main stood before. */
  rolledBack: { readonly atMs: number; readonly from: bigint; readonly to: bigint } | null = null
  everRolledBack = false
  /** Set where the table was restored as it was before, so that nothing in it tells of what is lost: when, and the snapshots that went. */
  restored: { readonly atMs: number; readonly lost: readonly bigint[] } | null = null
  /** Whether a person said that a rollback is meant; then there is no other. */
  isAccepted = false
  /** Whether it expired our newest snapshot, and with its manifest list the knowledge of where the tail stands. */
  frontierLost = false

  /** The tags and branches that it made. */
  readonly refs: ForeignRefs

  constructor(table: { namespace: readonly string[]; name: string }, random: SeededRandom, around: ForeignSurroundings) {
    this.#table = table
    this.#random = random
    this.#around = around
    this.#entropy = seededEntropy(random.fork(), around.clock)
    this.#files = new ForeignFiles(table.name, random, this.#entropy, around)
    this.refs = new ForeignRefs(random.fork(), around, {
      load: () => this.#load(),
      send: (kind, metadata, updates) => this.#send(kind, metadata, updates),
    })
  }

  async run(untilMs: number): Promise<void> {
    const { clock, rollbacks, snapshotExpiryMs, isExpired, isMild } = this.#around
    const random = this.#random
    const pauseMs = random.pick(snapshotExpiryMs === null ? [20_000, 60_000, 240_000] : [600_000])
    while (clock.now() < untilMs) {
      await clock.sleep(5000 + random.below(2 * pauseMs))
      if (this.rolledBack !== null) {
        if (random.chance(isExpired ? 0.2 : 0.7)) await this.rollForward()
        continue
      }
      const dice = random.below(100)
      if (isMild && ((dice >= 12 && dice < 25 && random.chance(0.85)) || (dice >= 54 && dice < 79))) continue
      if (rollbacks && isExpired && dice >= 60 && !this.isAccepted) await this.#takeBack()
      else if (dice < 12) await this.#commit('foreign-append', async (_, manifests) => ({ operation: 'append', manifests, addedRows: 0n }))
      else if (dice < 25)
        await this.#commit('foreign-append-file', (metadata, manifests, id) => this.#files.appendFile(metadata, manifests, id))
      else if (dice < 32)
        await this.#commit('foreign-append-branch', (metadata, manifests, id) => this.#files.appendFile(metadata, manifests, id), 'staging')
      else if (dice < 40) await this.refs.change()
      else if (dice < 46)
        await this.#commit('foreign-rewrite', (metadata, manifests, id) => this.#files.rewriteFiles(metadata, manifests, id))
      else if (dice < 54)
        await this.#commit('foreign-replace', (metadata, manifests, id) => this.#files.rewriteManifests(metadata, manifests, id))
      else if (dice < 64) await this.#commit('foreign-delete-position', (...on) => this.#files.deleteRow('foreign-delete-position', ...on))
      else if (dice < 74) await this.#commit('foreign-delete-record', (...on) => this.#files.deleteRow('foreign-delete-record', ...on))
      else if (dice < 79) await this.#commit('foreign-delete', (metadata, manifests, id) => this.#files.deleteFile(metadata, manifests, id))
      else if (dice < 88) {
        if (snapshotExpiryMs === null) await this.#expire()
      } else if (rollbacks && !this.isAccepted) await this.#takeBack()
    }
  }

  /** Gives the table an optional column, once it is there and before the time has come. */
  async addColumn(name: string, type: 'int', untilMs: number): Promise<void> {
    const { clock } = this.#around
    let metadata = await this.#load()
    for (; metadata === null && clock.now() < untilMs; metadata = await this.#load()) await clock.sleep(1000)
    if (metadata === null) return
    const schema = currentSchema(metadata)
    const id = metadata['last-column-id'] + 1
    const isAdded = await this.#send('foreign-column', metadata, [
      {
        action: 'add-schema',
        schema: {
          ...schema,
          'schema-id': 1 + Math.max(...metadata.schemas.map((one) => one['schema-id'] ?? 0)),
          fields: [...schema.fields, { id, name, required: false, type }],
        },
        'last-column-id': id,
      },
      { action: 'set-current-schema', 'schema-id': -1 },
    ])
    if (isAdded) this.#around.faults.add('foreign-column')
  }

  /** Deletes a row at once. */
  async provoke(): Promise<void> {
    const kind = this.#random.pick(['foreign-delete-position', 'foreign-delete-record', 'foreign-delete-record'] as const)
    if (this.rolledBack === null) await this.#commit(kind, (...on) => this.#files.deleteRow(kind, ...on))
  }

  /** A catalog's own expiry: every snapshot that is not current goes when it is old enough, whoever wrote it. */
  async expireOld(untilMs: number): Promise<void> {
    const { clock, faults, snapshotExpiryMs } = this.#around
    if (snapshotExpiryMs === null) return
    while (clock.now() < untilMs) {
      await clock.sleep(600_000 + this.#random.below(600_000))
      const metadata = await this.#load()
      if (metadata === null || this.everRolledBack) continue
      const old = (metadata.snapshots ?? []).filter((snapshot) => clock.now() - snapshot['timestamp-ms'] > snapshotExpiryMs)
      const named = namedByRefs(metadata)
      const expired = old.map((snapshot) => snapshot['snapshot-id']).filter((id) => !named.has(id))
      if (expired.length === 0) continue
      if (await this.#drop('old-snapshots-expired', metadata, expired)) faults.add('old-snapshots-expired')
    }
  }

  /** Takes a rollback back, where nobody has committed since. Returns whether main is whole again. */
  async rollForward(): Promise<boolean> {
    if (this.rolledBack === null) return true
    const { from, to } = this.rolledBack
    if (!(await this.#setMain(to, from))) return false
    this.rolledBack = null
    return true
  }

  async #load(): Promise<TableMetadata | null> {
    const loaded = await this.#around.catalog.under('none', (catalog) => catalog.loadTable(this.#table))
    await this.#around.clock.sleep(1 + this.#random.below(200))
    return loaded?.metadata ?? null
  }

  async #commit(
    kind: FaultKind,
    change: (metadata: TableMetadata, manifests: readonly ManifestFile[], snapshotId: bigint) => Promise<Change | null>,
    ref = 'main',
  ): Promise<void> {
    const { clock, io } = this.#around
    const metadata = await this.#load()
    if (metadata === null) return
    const head = metadata.refs?.[ref]
    // A table whose first snapshot is on a branch looks like one whose history was cut off.
    if (ref !== 'main' && refSnapshotId(metadata) === null) return
    const parent = head === undefined ? currentSnapshot(metadata) : snapshotById(metadata, head['snapshot-id'])!
    const id = this.#entropy.int63()
    const manifests = parent === null ? [] : readManifestList(await io.read(parent['manifest-list'])).manifests
    const changed = await change(metadata, manifests, id)
    if (changed === null) return
    const sequenceNumber = metadata['last-sequence-number'] + 1n
    const manifestList = `${metadata.location}/metadata/foreign-${id}.avro`
    const parentId = parent?.['snapshot-id'] ?? null
    await io.write(manifestList, [
      writeManifestList({
        manifests: changed.manifests,
        snapshotId: id,
        parentSnapshotId: parentId,
        sequenceNumber,
        formatVersion: 2,
        syncMarker: new Uint8Array(16),
      }),
    ])
    const before = parent === null ? '0' : parent.summary['total-records']
    const snapshot: Snapshot = {
      'snapshot-id': id,
      ...(parentId === null ? {} : { 'parent-snapshot-id': parentId }),
      'sequence-number': sequenceNumber,
      'timestamp-ms': Math.max(clock.now(), metadata['last-updated-ms']),
      'manifest-list': manifestList,
      summary: {
        operation: changed.operation,
        // Some writers leave the totals out.
        ...(before === undefined || this.#random.chance(0.2) ? {} : { 'total-records': String(BigInt(before) + changed.addedRows) }),
      },
      'schema-id': metadata['current-schema-id'],
    }
    const named = this.refs.all.get(ref)
    this.refs.delete(ref)
    const done = await this.#send(kind, metadata, [
      { action: 'add-snapshot', snapshot },
      { action: 'set-snapshot-ref', 'ref-name': ref, type: 'branch', 'snapshot-id': id },
    ])
    if (done) this.#around.faults.add(kind)
    if (ref !== 'main' && (done || named !== undefined)) this.refs.set(ref, done ? id : named!.snapshotId, named)
  }

  async #send(kind: FaultKind, metadata: TableMetadata, updates: readonly TableUpdate[]): Promise<boolean> {
    const { catalog, log } = this.#around
    const named = updates
      .flatMap((update) => (update.action === 'set-snapshot-ref' ? [update['ref-name']] : []))
      .find((ref) => ref !== 'main')
    const outcome = await catalog.under('none', (shared) =>
      shared.commitTable(this.#table, {
        requirements: [
          { type: 'assert-table-uuid', uuid: metadata['table-uuid'] },
          { type: 'assert-ref-snapshot-id', ref: 'main', 'snapshot-id': refSnapshotId(metadata) },
          ...(named === undefined
            ? []
            : [{ type: 'assert-ref-snapshot-id', ref: named, 'snapshot-id': metadata.refs?.[named]?.['snapshot-id'] ?? null } as const]),
        ],
        updates,
        idempotencyKey: this.#entropy.uuidV7(),
      }),
    )
    log.add(`foreign ${this.#table.name}`, `${kind}: ${outcome.kind}`)
    // The snapshot to be named may have gone since it was chosen.
    if (outcome.kind === 'refused' && kind !== 'foreign-tag') throw new Error(`the foreign writer's commit is refused: ${outcome.reason}`)
    return outcome.kind === 'committed'
  }

  /** Expires all but the newest snapshots: the newest of ours too, but only where a property has a copy of its progress. */
  async #expire(): Promise<void> {
    const metadata = await this.#load()
    if (metadata === null) return
    const { ancestors } = ancestorsOf(metadata)
    const kept = metadata.properties?.[summaryKeys.progress] === undefined ? ancestors.findIndex(isOurs) + 1 : 1
    const named = namedByRefs(metadata)
    const old = ancestors.slice(Math.max(kept, 1)).map((snapshot) => snapshot['snapshot-id'])
    const expired = old.filter((id) => !named.has(id))
    if (kept === 0 || expired.length === 0) return
    if (!(await this.#drop('foreign-expire', metadata, expired))) return
    this.frontierLost ||= !ancestors.slice(0, kept).some(isOurs)
    this.#around.faults.add(kept === 1 && !isOurs(ancestors[0]) ? 'foreign-expire-ours' : 'foreign-expire')
  }

  async #drop(kind: FaultKind, metadata: TableMetadata, ids: readonly bigint[]): Promise<boolean> {
    if (!(await this.#send(kind, metadata, [{ action: 'remove-snapshots', 'snapshot-ids': ids }]))) return false
    // A tag that this writer moved there meanwhile goes with its snapshot, by nobody else's fault.
    for (const [name, { snapshotId }] of this.refs.all) if (ids.includes(snapshotId)) this.refs.delete(name)
    return true
  }

  #takeBack(): Promise<void> {
    return this.#random.chance(0.6) ? this.#rollBack() : this.#restore()
  }

  async #rollBack(): Promise<void> {
    const metadata = await this.#load()
    const from = metadata === null ? null : refSnapshotId(metadata)
    if (metadata === null || from === null) return
    const to = this.#earlier(metadata)?.['snapshot-id']
    if (to === undefined || !(await this.#setMain(from, to))) return
    this.#around.faults.add('foreign-rollback')
    this.everRolledBack = true
    this.rolledBack = { atMs: this.#around.clock.now(), from, to }
  }

  /** What a backup of the catalog does: everything that came after is gone, and so is what we noted of it in the properties. */
  async #restore(): Promise<void> {
    const metadata = await this.#load()
    const to = metadata === null ? undefined : this.#earlier(metadata)
    if (metadata === null || to === undefined) return
    const { ancestors } = ancestorsOf(metadata)
    const lost = ancestors.slice(0, ancestors.indexOf(to)).map((snapshot) => snapshot['snapshot-id'])
    const before = new Set(ancestors.slice(ancestors.indexOf(to)).map((snapshot) => snapshot['snapshot-id']))
    const strayed = Object.entries(metadata.refs ?? {}).flatMap(([ref, named]) => (before.has(named['snapshot-id']) ? [] : [ref]))
    for (const ref of strayed) this.refs.delete(ref)
    const done = await this.#send('foreign-restore', metadata, [
      { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': to['snapshot-id'] },
      { action: 'remove-snapshots', 'snapshot-ids': lost },
      { action: 'remove-properties', removals: [summaryKeys.progress, summaryKeys.requests] },
    ])
    if (!done) return
    this.#around.faults.add('foreign-restore')
    this.everRolledBack = true
    this.restored = { atMs: this.#around.clock.now(), lost }
  }

  /** One of the last snapshots before the current one that knows of progress. */
  #earlier(metadata: TableMetadata): Snapshot | undefined {
    const { ancestors } = ancestorsOf(metadata)
    const earlier = ancestors.slice(1, 5)
    const to = earlier.length === 0 ? undefined : this.#random.pick(earlier)
    return to === undefined || !ancestors.slice(ancestors.indexOf(to)).some(isOurs) ? undefined : to
  }

  async #setMain(from: bigint, to: bigint): Promise<boolean> {
    const loaded = await this.#around.catalog.under('none', (catalog) => catalog.loadTable(this.#table))
    if (loaded === null || refSnapshotId(loaded.metadata) !== from || snapshotById(loaded.metadata, to) === undefined) return false
    return this.#send('foreign-rollback', loaded.metadata, [
      { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': to },
    ])
  }
}
