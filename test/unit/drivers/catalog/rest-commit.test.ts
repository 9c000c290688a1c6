import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../../src/drivers/clock/system.ts'
import type { CommitOutcome } from '../../../../src/seams/catalog.ts'
import { idempotencyKey } from '../../../conformance/catalog.ts'
import { errorBody } from './rest-server.ts'
import type { SeenRequest, StandIn } from './rest-server.ts'
import { oneTable, table, world } from './rest-world.ts'

const secret = 'secret-bearer-token'

function error(status: number, type: string, message: string): StandIn {
  return { status, body: errorBody(status, type, message) }
}

function echo({ headers }: SeenRequest): StandIn {
  return error(400, 'BadRequestException', `you sent ${headers.authorization} and ${String(headers['x-api-key'])}`)
}

describe('what the REST catalog makes of answers to a commit', () => {
  it.each<[string, StandIn, CommitOutcome['kind'], RegExp]>([
    [
      '409',
      error(409, 'CommitFailedException', 'main has changed'),
      'conflict',
      /answered 409 \(CommitFailedException: main has changed\)$/,
    ],
    [
      '400 for a stale sequence number',
      error(400, 'ValidationException', 'Cannot add snapshot with sequence number 5 older than last sequence number 5'),
      'conflict',
      /answered 400/,
    ],
    [
      '400 for row ids that are taken',
      error(400, 'ValidationException', 'Cannot add a snapshot, first-row-id is behind table next-row-id: 24 < 25'),
      'conflict',
      /answered 400/,
    ],
    ['400 with an unknown state', error(400, 'CommitStateUnknownException', 'x'), 'unknown', /answered 400/],
    ['500', error(500, 'InternalServerError', 'x'), 'unknown', /answered 500/],
    ['502 with an HTML page', { status: 502, body: '<html>' }, 'unknown', /an HTML or XML page/],
    ['503', { status: 503 }, 'unknown', /an empty body/],
    ['504', { status: 504 }, 'unknown', /answered 504/],
    [
      '200 without a table',
      { status: 200, body: '{"ok":true}' },
      'unknown',
      /answered 200, and not with a table: .*metadata: expected an object, found nothing/,
    ],
    ['200 cut short', { status: 200, body: '{"metadata":{"forma' }, 'unknown', /not JSON: it ends too early/],
    ['204', { status: 204 }, 'unknown', /it is empty/],
    ['400', error(400, 'BadRequestException', 'no such column'), 'refused', /answered 400 \(BadRequestException: no such column\)$/],
    ['401 with an empty body', { status: 401 }, 'refused', /answered 401 \(an empty body\)\. Check the token/],
    [
      '403',
      error(403, 'ForbiddenException', 'lacks TABLE_WRITE_DATA'),
      'refused',
      /lacks TABLE_WRITE_DATA\)\. The token is known, but lacks the right/,
    ],
    ['404', error(404, 'NoSuchTableException', 'gone'), 'refused', /NoSuchTableException: gone/],
    ['419', { status: 419 }, 'refused', /The token has expired: renew it/],
    ['a redirect', { status: 307, headers: { location: '/login' } }, 'refused', /Redirects \(to another path\) are not followed/],
    ['a reset', 'reset', 'unknown', /failed \(.*\)$/],
  ])('takes %s as it must, and never sends a commit twice', async (_what, answer, kind, reason) => {
    const { append: commit, commits } = await oneTable(() => answer)
    expect(await commit()).toMatchObject({ kind, reason: expect.stringMatching(reason) })
    expect(commits()).toHaveLength(1)
  })

  it('does not know what became of a commit that is not answered in time', async () => {
    const { append: commit, commits } = await oneTable(() => 'hang', { timeoutMs: 200 })
    expect(await commit()).toMatchObject({ kind: 'unknown', reason: expect.stringContaining('no answer within 200 ms') })
    expect(commits()).toHaveLength(1)
  })

  it('knows that a commit which found no catalog was not made', async () => {
    const { append: commit, server } = await oneTable(() => undefined)
    await server.close()
    // The end of the idle connection must have arrived, or the commit goes out on it.
    await systemClock.sleep(50)
    await expect(commit()).rejects.toMatchObject({ retry: 'later', message: expect.stringContaining('ECONNREFUSED') })
  })

  it('throws what is to be tried later where the catalog is overloaded, and stays away as long as it was asked to', async () => {
    const answers: StandIn[] = [{ status: 429, headers: { 'retry-after': '13' } }]
    const { append: commit, commits, clock } = await oneTable(() => answers.shift())
    await expect(commit()).rejects.toMatchObject({ retry: 'later', message: expect.stringContaining('answered 429') })
    expect((await commit()).kind).toBe('committed')
    expect(commits()).toHaveLength(2)
    expect(clock.slept).toEqual([expect.closeTo(13_000, -2)])
  })

  it('refuses to commit where the catalog lists its endpoints and none is for commits', async () => {
    const { catalog, requests } = await world({ config: { defaults: {}, overrides: {}, endpoints: ['GET /v1/{prefix}/namespaces'] } })
    const outcome = await catalog.commitTable(table, { requirements: [], updates: [], idempotencyKey: idempotencyKey() })
    expect(outcome).toMatchObject({ kind: 'refused', reason: expect.stringContaining('only reads') })
    expect(requests()).toHaveLength(0)
  })

  it('never tells a token or a header, whatever the catalog echoes', async () => {
    const { append: commit } = await oneTable(echo, {
      auth: { kind: 'bearer', token: () => secret },
      headers: () => ({ 'X-Api-Key': 'another-secret' }),
    })
    const outcome = await commit()
    expect(outcome).toMatchObject({ kind: 'refused', reason: expect.stringContaining('you sent Bearer *** and ***') })
  })
})
