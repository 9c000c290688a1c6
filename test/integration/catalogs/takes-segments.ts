import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { addSegment, documentOf, type DocumentParts, runOnce, withCatalog } from '../program.ts'
import { verify } from '../verified.ts'
import type { GivenServer } from './given.ts'
import { dropNamespace } from './namespaces.ts'

/** Segments go into a table of a server that the environment names, with files where it says and by its keys. */
export function takesSegments(name: string, { options, sink, lacks, otherwise, noFiles }: GivenServer): void {
  describe(`${name} takes segments`, () => {
    const reason = lacks.writes ?? lacks.tables ?? noFiles
    const why = reason !== undefined ? ` (not asked: ${reason})` : otherwise === undefined ? '' : ` (${otherwise})`
    test.skipIf(reason !== undefined)(`into a table in which every record is one row, run after run${why}`, async () => {
      const directory = await mkdtemp(join(tmpdir(), 'given-'))
      const database = `conformance_${randomUUID().replaceAll('-', '')}`
      const parts: DocumentParts = {
        place: { sink, reader: { type: 'rest', uri: options.endpoint } },
        source: { directory, topics: ['taken'] },
        database,
      }
      const document = documentOf(parts)
      const add = (base: number) =>
        addSegment(
          directory,
          { topic: 'taken', partition: 0 },
          BigInt(base),
          [0, 1, 2].map((i) => ({ value: Buffer.from(`v${base + i}`) })),
        )
      try {
        for (const base of [0, 3]) {
          await add(base)
          expect(await runOnce(document)).toMatchObject({ errors: '', ok: true })
        }
        expect((await runOnce(document)).totals.get('rows.committed') ?? 0).toBe(0)
        const verified = await verify(parts)
        expect(verified).toMatchObject({ code: 0, findings: [], tables: [{ problem: null, counts: { rows: 6, decided: 6 } }] })
      } finally {
        await withCatalog(document, (catalog) => catalog.dropTable({ namespace: [database], name: 'taken' }))
        await dropNamespace(options, [database])
        await rm(directory, { recursive: true })
      }
    })
  })
}
