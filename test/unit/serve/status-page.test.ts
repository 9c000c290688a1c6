import { expect, test } from 'vitest'
import type { DocumentHealth } from '../../../src/model/health.ts'
import { routesOf } from '../../../src/serve/routes.ts'
import { documentHealth, partitionLag, tableHealth } from '../../support/health.ts'

const nowMs = Date.UTC(2026, 6, 1, 12)

function health(reason: string | null): DocumentHealth {
  const behind = { offsets: 1234n, segments: 3, bytes: 5_000_000, oldestMs: nowMs - 600_000, complete: false }
  const stopped = reason === null ? null : { sinceMs: nowMs - 1000, reason }
  const orders = tableHealth({
    partitions: [
      partitionLag({ topic: 'orders<b>', partition: 0, paused: true }),
      partitionLag({ topic: 'orders<b>', partition: 1, ...behind, stopped }),
    ],
    lastCommitMs: nowMs - 30_000,
    watermarkMs: nowMs - 40_000,
    rescuedRows: 17n,
    meanFileBytes: 3_000_000,
    upkeep: { lookedMs: nowMs - 120_000, decisions: [{ kind: 'compaction', due: false, reason: '3 data files <few>' }] },
  })
  const counted = {
    requests: { source_get: 4321, catalog_load: 7 },
    failedRequests: { catalog_load: 2 },
    gaps: 3,
    overlaps: 0,
    segmentsRewritten: 1,
  }
  return documentHealth([orders], { graceMs: 0, counted })
}

function routes(reason: string | null) {
  return routesOf({
    health: () => [health(reason)],
    metrics: async () => ({ contentType: 'text/plain', text: 'x 1\n' }),
    now: () => nowMs,
    redact: (text) => text.replaceAll('s3cret', '***'),
  })
}

test('the page shows each table and topic-partition, the furthest behind first, and loads nothing from elsewhere', async () => {
  const { body, contentType } = await routes(null)['/']()
  expect(contentType).toBe('text/html; charset=utf-8')
  for (const shown of [
    'shop',
    'orders',
    '≥ 1,234',
    '≥ 4.8 MiB',
    '10 min',
    'paused',
    'behind',
    '2.9 MiB',
    '30 s ago',
    '<dd>17</dd>',
    'upkeep, 2 min ago',
    '<dt>source_get requests</dt><dd>4,321</dd>',
    '<dt>catalog_load requests</dt><dd>7, 2 failed</dd>',
    '<dt>gaps seen</dt><dd>3</dd>',
    '<dt>segments rewritten</dt><dd>1</dd>',
    'compaction, not due: 3 data files &#60;few&#62;',
  ])
    expect(body).toContain(shown)
  expect(body.indexOf('>behind<')).toBeLessThan(body.indexOf('>paused<'))
  expect(body).not.toMatch(/(?:src|href)="(?!\/metrics|\/status|\/readyz)/)
  expect(body).not.toContain('orders<b>')
})

test('readyz is 200 or 503 with the reasons, and secrets in reasons are not told', async () => {
  expect(await routes(null)['/readyz']()).toMatchObject({ status: 200, body: '{"ready":true,"reasons":[],"notes":[]}\n' })
  const failed = await routes('key s3cret was refused')['/readyz']()
  expect(failed.status).toBe(503)
  expect(JSON.parse(failed.body)).toEqual({
    ready: false,
    reasons: [
      {
        processor: 'shop',
        table: 'orders',
        topic: 'orders<b>',
        partition: 1,
        since: '2026-07-01T11:59:59.000Z',
        reason: 'key *** was refused',
      },
    ],
    notes: [],
  })
  const { body } = await routes('key s3cret was refused')['/']()
  expect(body).toContain('key *** was refused')
  expect(body).toContain('not ready')
})

test('status tells all of it to programs: exact numbers, and what is stopped with the reason', async () => {
  const { status, body } = await routes('key s3cret was refused')['/status']()
  expect(status).toBe(200)
  expect(JSON.parse(body)).toMatchObject({
    documents: [
      {
        processor: 'shop',
        tables: [
          {
            table: 'orders',
            rescuedRows: 17,
            partitions: [
              { partition: 0, stopped: null },
              { partition: 1, offsets: 1234, stopped: { reason: 'key *** was refused' } },
            ],
          },
        ],
      },
    ],
  })
})
