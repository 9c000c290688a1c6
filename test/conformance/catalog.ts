import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { currentSchema, currentSnapshot, defaultSpec, refSnapshotId } from '../../src/formats/iceberg/table-metadata.ts'
import type { Snapshot, TableMetadata } from '../../src/formats/iceberg/table-metadata.ts'
import type { TableRequirement, TableUpdate } from '../../src/formats/iceberg/table-update.ts'
import type { Catalog, CatalogProfile, CommitOutcome, CreateTableRequest, TableIdentifier } from '../../src/seams/catalog.ts'

/** A catalog to try, and a second client of the same one. */
export interface CatalogUnderTest {
  readonly catalog: Catalog
  readonly other: Catalog
  /** Where tables may lie, for catalogs that want to be told. */
  readonly location?: string
  /** Removes an empty namespace; one that does not exist is no error. Undefined: all is gone with the catalog. */
  dropNamespace?(namespace: readonly string[]): Promise<void>
  close(): Promise<void>
}

/** What a server does not do beside what its profile says, and why. */
export interface CatalogLacks {
  /** Everything that changes something: what is left is to look. */
  readonly writes?: string
  /** Tables, new ones: what is left is to look, and namespaces. */
  readonly tables?: string
  readonly unknownFields?: string
  readonly strictNamespaces?: string
  /** Snapshots beside the current one, references beside main. */
  readonly history?: string
  /** Ids of its own for what a creation proposes. */
  readonly newIds?: string
  /** The assertion that there is no snapshot. */
  readonly emptyAssertion?: string
  /** A conflict for numbers that are taken, of snapshots or rows. */
  readonly sequenceNumbers?: string
  readonly schemas?: string
  readonly formatVersion3?: string
}

/**
 * The contract of `src/seams/catalog.ts`, as far as the profile promises it: what is not asked says why in its title. Tables are made in a
 * namespace of its own, whose name nobody else has, and dropped in the end, as the namespaces are.
 */
export function catalogConformance(
  name: string,
  profile: CatalogProfile,
  open: () => Promise<CatalogUnderTest>,
  lacks: CatalogLacks = {},
): void {
  describe(`${name} keeps the contract of a catalog`, () => {
    let subject: CatalogUnderTest
    const namespace = [`conformance_${randomUUID().replaceAll('-', '')}`]
    const named = (table: string): TableIdentifier => ({ namespace, name: table })
    const isFlat = profile.namespaceLevels === 1
    const nowhere = isFlat ? [`${namespace[0]}_never`] : [...namespace, 'never']
    /** A request that suits the catalog. */
    const requestFor = (table: string, request: Partial<CreateTableRequest> = {}): CreateTableRequest => ({
      ...simpleTable,
      ...(profile.location === 'required' && { location: `${subject.location}/${namespace[0]}/${table}` }),
      ...request,
    })
    /** A test that writes, and is not asked of a catalog which has a reason. */
    function unless(reason: string | undefined, title: string, test: () => Promise<void>): void {
      const first = lacks.writes ?? lacks.tables ?? reason
      const why = first === undefined ? '' : ` (not asked: ${first})`
      it.skipIf(first !== undefined)(`${title}${why}`, test)
    }
    const asked = (title: string, test: () => Promise<void>) => unless(undefined, title, test)

    // Each test tells why there is nothing to try: those of a hook that fails would be skipped without a word.
    let notOpened: unknown
    beforeAll(async () => {
      try {
        subject = await open()
        if (lacks.writes === undefined) await subject.catalog.ensureNamespace(namespace)
      } catch (error) {
        notOpened = error
      }
    })
    beforeEach(() => {
      if (notOpened !== undefined) throw notOpened
    })
    afterAll(async () => {
      if (lacks.writes === undefined && notOpened === undefined) {
        for (const table of await subject.catalog.listTables(namespace)) await subject.catalog.dropTable(named(table))
        const made = isFlat ? [namespace] : [[...namespace, 'eu', 'west'], [...namespace, 'eu'], namespace]
        for (const one of made) await subject.dropNamespace?.(one)
      }
      await subject?.close()
    })

    it('is opened with the profile that it is tried by', () => {
      expect(subject.catalog.profile).toMatchObject(profile)
    })

    async function create(table: string, request: Partial<CreateTableRequest> = {}): Promise<TableMetadata> {
      const created = await subject.catalog.createTable(named(table), requestFor(table, request))
      if (created.kind !== 'created') throw new Error(`${table} exists`)
      return created.table.metadata
    }
    async function load(table: string, catalog = subject.catalog): Promise<TableMetadata> {
      const loaded = await catalog.loadTable(named(table))
      if (loaded === null) throw new Error(`${table} does not exist`)
      return loaded.metadata
    }
    function commit(
      table: string,
      updates: TableUpdate[],
      requirements: TableRequirement[] = [],
      catalog = subject.catalog,
    ): Promise<CommitOutcome> {
      return catalog.commitTable(named(table), { requirements, updates, idempotencyKey: idempotencyKey() })
    }
    function append(
      table: string,
      parent: TableMetadata,
      fields: Partial<Snapshot> = {},
      catalog = subject.catalog,
    ): Promise<CommitOutcome> {
      return commit(table, appendUpdates(parent, fields), appendRequirements(parent), catalog)
    }

    it('gives null for a table that does not exist', async () => {
      expect(await subject.catalog.loadTable(named('missing'))).toBeNull()
      expect(await subject.catalog.loadTable({ namespace: nowhere, name: 'missing' })).toBeNull()
    })

    const takesWrites = lacks.writes === undefined
    it.skipIf(takesWrites)(
      `says of what would write that the endpoint only reads${takesWrites ? ' (not asked: it writes)' : ''}`,
      async () => {
        await expect(subject.catalog.ensureNamespace(namespace)).rejects.toMatchObject({ name: 'WorkError', message: onlyReads })
        const refused = await commit('missing', [{ action: 'set-properties', updates: { a: 'b' } }])
        expect(refused).toMatchObject({ kind: 'refused', reason: onlyReads })
      },
    )

    asked('creates a table that every client then sees', async () => {
      const created = await create('visible', { properties: { colour: 'blue' } })
      expect(refSnapshotId(created)).toBeNull()
      expect(created.properties).toMatchObject({ colour: 'blue' })
      expect(await load('visible', subject.other)).toEqual(await load('visible'))
      expect((await load('visible'))['table-uuid']).toBe(created['table-uuid'])
    })

    asked('says that a table exists instead of creating it twice', async () => {
      await create('twice')
      expect(await subject.other.createTable(named('twice'), requestFor('twice'))).toEqual({ kind: 'exists' })
    })

    asked('lets one of two creators win', async () => {
      const outcomes = await Promise.all(
        [subject.catalog, subject.other].map((catalog) => catalog.createTable(named('raced'), requestFor('raced'))),
      )
      expect(outcomes.map((outcome) => outcome.kind).sort()).toEqual(['created', 'exists'])
    })

    unless(lacks.strictNamespaces, 'refuses to create a table in a namespace that does not exist', async () => {
      const table = { namespace: nowhere, name: 'orphan' }
      await expect(subject.catalog.createTable(table, requestFor('orphan'))).rejects.toMatchObject({ name: 'WorkError', retry: 'never' })
    })

    asked('makes a namespace again without complaint', async () => {
      await Promise.all([subject.catalog.ensureNamespace(namespace), subject.other.ensureNamespace(namespace)])
      expect((await create('kept'))['table-uuid']).toBe((await load('kept'))['table-uuid'])
      await subject.other.ensureNamespace(namespace)
      expect(await subject.catalog.loadTable(named('kept'))).not.toBeNull()
    })

    it('lists no tables of a namespace that does not exist', async () => {
      expect(await subject.catalog.listTables(nowhere)).toEqual([])
    })

    asked('lists its tables', async () => {
      await create('listed_a')
      await create('listed_b')
      expect(await subject.other.listTables(namespace)).toEqual(expect.arrayContaining(['listed_a', 'listed_b']))
    })

    asked('forgets a table that is dropped, and makes no fuss of one that is gone', async () => {
      await create('dropped')
      await subject.catalog.dropTable(named('dropped'))
      await subject.other.dropTable(named('dropped'))
      expect(await subject.other.loadTable(named('dropped'))).toBeNull()
      expect(await subject.catalog.listTables(namespace)).not.toContain('dropped')
    })

    const flat = isFlat ? 'it has namespaces of one level' : undefined
    unless(flat, 'creates nested namespaces with their parents, and again without complaint', async () => {
      const nested = [...namespace, 'eu', 'west']
      await subject.catalog.ensureNamespace(nested)
      await subject.other.ensureNamespace(nested)
      await subject.catalog.ensureNamespace([...namespace, 'eu'])
      const table = { namespace: nested, name: 'deep' }
      expect((await subject.catalog.createTable(table, requestFor('deep'))).kind).toBe('created')
      expect((await subject.other.loadTable(table))?.metadata.location).toMatch(/deep/)
      await subject.other.dropTable(table)
    })

    unless(lacks.newIds, 'numbers fields anew: the fields of a struct first, then what is nested', async () => {
      const created = await create('renumbered', {
        schema: {
          type: 'struct',
          'schema-id': 0,
          fields: [
            {
              id: 77,
              name: 'outer',
              required: false,
              type: {
                type: 'struct',
                fields: [
                  { id: 100, name: 'a', required: false, type: 'int' },
                  { id: 3, name: 'b', required: false, type: 'int' },
                ],
              },
            },
            { id: 50, name: 'at', required: true, type: 'timestamptz' },
          ],
        },
        partitionSpec: { 'spec-id': 7, fields: [{ 'source-id': 50, 'field-id': 1234, name: 'at_day', transform: 'day' }] },
      })
      const [outer, at] = currentSchema(created).fields
      expect([outer.id, at.id]).toEqual([1, 2])
      expect(outer.type).toMatchObject({
        fields: [
          { id: 3, name: 'a' },
          { id: 4, name: 'b' },
        ],
      })
      expect(created['last-column-id']).toBe(4)
      expect(defaultSpec(created).fields).toMatchObject([{ 'source-id': 2, name: 'at_day', transform: 'day' }])
    })

    asked('numbers an unpartitioned, unsorted table as the specification says', async () => {
      expect(await create('plain')).toMatchObject({ 'last-partition-id': 999, 'default-sort-order-id': 0, 'last-sequence-number': 0n })
    })

    asked('commits the first snapshot on the assertion that there is none', async () => {
      const created = await create('first')
      const outcome = await append('first', created)
      expect(outcome.kind).toBe('committed')
      const loaded = await load('first', subject.other)
      expect(currentSnapshot(loaded)).toMatchObject({ 'sequence-number': 1n, summary: { operation: 'append' } })
      expect(loaded['current-snapshot-id']).toBe(refSnapshotId(loaded))
      expect(loaded['snapshot-log']).toHaveLength(1)
      expect(loaded['last-sequence-number']).toBe(1n)
    })

    unless(lacks.emptyAssertion, 'answers a commit on a stale parent with a conflict, and changes nothing', async () => {
      const stale = await create('stale')
      await append('stale', stale)
      const before = await load('stale')
      const outcome = await append('stale', stale, {}, subject.other)
      expect(outcome.kind).toBe('conflict')
      expect(await load('stale')).toEqual(before)
    })

    asked('answers a commit on a snapshot that is no longer the newest with a conflict', async () => {
      await append('passed', await create('passed'))
      const old = await load('passed')
      expect((await append('passed', old)).kind).toBe('committed')
      const before = await load('passed')
      expect((await append('passed', old, {}, subject.other)).kind).toBe('conflict')
      expect(await load('passed')).toEqual(before)
    })

    asked('answers a commit to a table that was created anew with a conflict', async () => {
      const created = await create('replaced')
      expect((await append('replaced', { ...created, 'table-uuid': randomUUID() })).kind).toBe('conflict')
    })

    unless(lacks.sequenceNumbers, 'answers a snapshot with an old sequence number with a conflict', async () => {
      await append('sequence', await create('sequence'))
      const outcome = await commit('sequence', appendUpdates(await load('sequence'), { 'sequence-number': 1n }))
      expect(outcome).toMatchObject({ kind: 'conflict', reason: expect.stringContaining('sequence number') })
    })

    asked('refuses a commit to a table that does not exist', async () => {
      expect((await commit('missing', [{ action: 'set-properties', updates: { a: 'b' } }])).kind).toBe('refused')
    })

    /** Two commits at once on what a table is now, of which one may be there then. */
    async function race(table: string): Promise<void> {
      const parent = await load(table)
      const outcomes = await Promise.all([append(table, parent), append(table, parent, {}, subject.other)])
      expect(outcomes.map((outcome) => outcome.kind).sort()).toEqual(['committed', 'conflict'])
      const winner = outcomes.find((outcome) => outcome.kind === 'committed')
      expect(refSnapshotId(await load(table))).toBe(refSnapshotId(winner!.table.metadata))
    }

    unless(lacks.emptyAssertion, 'lets exactly one of two racing first committers win', async () => {
      await create('race')
      await race('race')
    })

    asked('lets exactly one of two racing committers win', async () => {
      await append('raced_again', await create('raced_again'))
      await race('raced_again')
    })

    unless(lacks.history, 'lets every one of many committers win in the end', async () => {
      await create('many')
      async function untilCommitted(catalog: Catalog): Promise<void> {
        for (;;) {
          const { kind } = await append('many', await load('many', catalog), {}, catalog)
          if (kind === 'committed') return
          expect(kind).toBe('conflict')
        }
      }
      const committers = [subject.catalog, subject.other, subject.catalog, subject.other]
      await Promise.all(committers.map(untilCommitted))
      const { snapshots = [] } = await load('many')
      expect(snapshots.map((snapshot) => snapshot['sequence-number'])).toEqual([1n, 2n, 3n, 4n])
      expect(snapshots.slice(1).map((snapshot) => snapshot['parent-snapshot-id'])).toEqual(
        snapshots.slice(0, -1).map((snapshot) => snapshot['snapshot-id']),
      )
    })

    unless(lacks.history, 'keeps every digit of 64-bit ids', async () => {
      const created = await create('digits')
      const id = 9_223_372_036_854_775_807n
      const outcome = await append('digits', created, { 'snapshot-id': id, 'sequence-number': 9_007_199_254_740_993n })
      expect(outcome).toMatchObject({ kind: 'committed', table: { metadata: { 'current-snapshot-id': id } } })
      const next = await append('digits', await load('digits'), {
        'snapshot-id': 9_007_199_254_740_995n,
        'sequence-number': 9_007_199_254_740_994n,
      })
      expect(next.kind).toBe('committed')
      expect((await load('digits', subject.other)).snapshots).toMatchObject([
        { 'snapshot-id': id, 'sequence-number': 9_007_199_254_740_993n },
        { 'snapshot-id': 9_007_199_254_740_995n, 'parent-snapshot-id': id, 'sequence-number': 9_007_199_254_740_994n },
      ])
    })

    asked('keeps whole summaries', async () => {
      const summary = {
        operation: 'append',
        'kafscale.processor.progress': '{"s3://b/p/":{"t":{"0":[[0,9007199254740993]]}}}',
        'x.note': 'é "quoted" \u2028',
      }
      await append('summaries', await create('summaries'), { summary })
      expect(currentSnapshot(await load('summaries'))?.summary).toEqual(summary)
    })

    asked('sets and removes properties and leaves the others alone', async () => {
      await create('properties', { properties: { keep: '1', change: '1', remove: '1' } })
      const outcome = await commit('properties', [
        { action: 'set-properties', updates: { change: '2', added: '1' } },
        { action: 'remove-properties', removals: ['remove'] },
      ])
      expect(outcome.kind).toBe('committed')
      const { properties } = await load('properties', subject.other)
      expect(properties).toMatchObject({ keep: '1', change: '2', added: '1' })
      expect(properties).not.toHaveProperty('remove')
    })

    unless(lacks.history, 'keeps branches and tags, and drops those whose snapshot is removed', async () => {
      await append('referenced', await create('referenced'))
      const first = await load('referenced')
      await append('referenced', first)
      const [old, current] = [refSnapshotId(first) as bigint, refSnapshotId(await load('referenced')) as bigint]
      await commit('referenced', [
        { action: 'set-snapshot-ref', 'ref-name': 'old', type: 'tag', 'snapshot-id': old },
        { action: 'set-snapshot-ref', 'ref-name': 'audit', type: 'branch', 'snapshot-id': current, 'min-snapshots-to-keep': 3 },
      ])
      expect((await load('referenced')).refs).toMatchObject({
        main: { 'snapshot-id': current },
        old: { 'snapshot-id': old },
        audit: { 'min-snapshots-to-keep': 3 },
      })
      expect((await commit('referenced', [{ action: 'remove-snapshots', 'snapshot-ids': [old] }])).kind).toBe('committed')
      const after = await load('referenced')
      expect(Object.keys(after.refs ?? {}).sort()).toEqual(['audit', 'main'])
      expect(after.snapshots?.map((snapshot) => snapshot['snapshot-id'])).toEqual([current])
      expect(after['snapshot-log']?.map((entry) => entry['snapshot-id'])).toEqual([current])
    })

    unless(lacks.history, 'rolls back to an older snapshot and tells so in the log', async () => {
      await append('rollback', await create('rollback'))
      const first = await load('rollback')
      await append('rollback', first)
      const old = refSnapshotId(first) as bigint
      await commit('rollback', [{ action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': old }])
      const after = await load('rollback')
      expect(after['current-snapshot-id']).toBe(old)
      expect(after.snapshots).toHaveLength(2)
      expect(after['snapshot-log']?.at(-1)?.['snapshot-id']).toBe(old)
    })

    unless(lacks.schemas, 'adds a schema under the next id and makes it current', async () => {
      const created = await create('evolved')
      const schema = currentSchema(created)
      const wider = { ...schema, fields: [...schema.fields, { id: 2, name: 'extra', required: false, type: 'string' as const }] }
      const outcome = await commit(
        'evolved',
        [
          { action: 'add-schema', schema: wider, 'last-column-id': 2 },
          { action: 'set-current-schema', 'schema-id': -1 },
        ],
        [{ type: 'assert-current-schema-id', 'current-schema-id': schema['schema-id'] }],
      )
      expect(outcome.kind).toBe('committed')
      const after = await load('evolved', subject.other)
      expect(currentSchema(after)).toMatchObject({ 'schema-id': 1, fields: [{ id: 1 }, { id: 2, name: 'extra' }] })
      expect(after['last-column-id']).toBe(2)
    })

    unless(lacks.formatVersion3, 'counts row ids in a v3 table', async () => {
      const created = await create('lineage', { properties: { 'format-version': '3' } })
      expect(created).toMatchObject({ 'format-version': 3, 'next-row-id': 0n })
      await append('lineage', created, { 'first-row-id': 0n, 'added-rows': 25n })
      expect((await load('lineage'))['next-row-id']).toBe(25n)
      const behind = await append('lineage', await load('lineage'), { 'first-row-id': 24n, 'added-rows': 1n })
      if (lacks.sequenceNumbers === undefined) expect(behind.kind).toBe('conflict')
      else expect(behind.kind).not.toBe('committed')
    })

    unless(lacks.unknownFields, 'carries fields that it does not know', async () => {
      const created = await create('unknown')
      await append('unknown', created, { 'x-future': { id: 9_007_199_254_740_993n, list: [1.5, null] } })
      await commit('unknown', [{ action: 'set-properties', updates: { a: 'b' } }])
      expect(currentSnapshot(await load('unknown', subject.other))?.['x-future']).toEqual({
        id: 9_007_199_254_740_993n,
        list: [1.5, null],
      })
    })
  })
}

const onlyReads = expect.stringContaining('only reads') as unknown as string

/** The profile of a catalog that takes everything. */
export const freeProfile: CatalogProfile = { propertiesInCommit: true, forbiddenProperties: [] }

/** One required long, unpartitioned, unsorted. */
export const simpleTable: CreateTableRequest = {
  schema: { type: 'struct', 'schema-id': 0, fields: [{ id: 1, name: 'kafka_offset', required: true, type: 'long' }] },
  partitionSpec: { 'spec-id': 0, fields: [] },
  sortOrder: { 'order-id': 0, fields: [] },
  properties: {},
}

/** An append without files on the current snapshot of main. */
export function appendUpdates(parent: TableMetadata, fields: Partial<Snapshot> = {}): TableUpdate[] {
  const parentId = refSnapshotId(parent)
  const snapshot: Snapshot = {
    'snapshot-id': BigInt.asUintN(62, BigInt(`0x${randomUUID().replaceAll('-', '')}`)) + 1n,
    ...(parentId === null ? {} : { 'parent-snapshot-id': parentId }),
    'sequence-number': parent['last-sequence-number'] + 1n,
    'timestamp-ms': Math.max(Date.now(), parent['last-updated-ms'] + 1),
    'manifest-list': `${parent.location}/metadata/snap-${randomUUID()}.avro`,
    summary: { operation: 'append' },
    'schema-id': parent['current-schema-id'],
    ...fields,
  }
  return [
    { action: 'add-snapshot', snapshot },
    { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': snapshot['snapshot-id'] },
  ]
}

/** What a writer asserts: this table, and nothing new on main. */
export function appendRequirements(parent: TableMetadata): TableRequirement[] {
  return [
    { type: 'assert-table-uuid', uuid: parent['table-uuid'] },
    { type: 'assert-ref-snapshot-id', ref: 'main', 'snapshot-id': refSnapshotId(parent) },
  ]
}

/** A UUID of version 7, as far as servers look. */
export function idempotencyKey(): string {
  const hex = Date.now().toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7${randomUUID().slice(15)}`
}
