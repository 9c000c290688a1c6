import { describe, expect, it } from 'vitest'
import { errorBody } from './rest-server.ts'
import type { SeenRequest, StandIn } from './rest-server.ts'
import { table, world } from './rest-world.ts'

/** A catalog whose token endpoint gives `t1`, `t2`, … with a life in seconds; `refused`: tokens that it does not take any more. */
async function tokenWorld(options: { life?: number; answer?: () => StandIn } = {}) {
  const { life = 3600, answer } = options
  const refused = new Set<string>()
  let given = 0
  const standIn = ({ path, headers }: SeenRequest): StandIn => {
    if (path.endsWith('/tokens')) {
      const instead = answer?.()
      if (instead !== undefined) return instead
      return { status: 200, body: JSON.stringify({ access_token: `t${++given}`, token_type: 'bearer', expires_in: life }) }
    }
    const shown = headers.authorization?.replace('Bearer ', '')
    return shown === undefined || refused.has(shown) ? { status: 401, body: '' } : undefined
  }
  const secret = { text: 'very-secret-1' }
  const made = await world(
    { standIn },
    {
      product: 'polaris',
      headers: () => ({ 'polaris-realm': 'POLARIS' }),
      auth: { kind: 'oauth2', clientId: 'robot', clientSecret: () => secret.text },
    },
  )
  const tokens = () => made.server.seen.filter(({ path }) => path.endsWith('/tokens'))
  return { ...made, refused, secret, tokens }
}

describe('OAuth2 client credentials', () => {
  it('asks for one token, in a form, for any number of requests at once', async () => {
    const { catalog, tokens, requests } = await tokenWorld()
    await Promise.all(Array.from({ length: 20 }, () => catalog.loadTable(table)))
    expect(tokens()).toHaveLength(1)
    expect(tokens()[0].headers).toMatchObject({ 'content-type': 'application/x-www-form-urlencoded', 'polaris-realm': 'POLARIS' })
    expect(Object.fromEntries(new URLSearchParams(tokens()[0].body))).toEqual({
      grant_type: 'client_credentials',
      client_id: 'robot',
      client_secret: 'very-secret-1',
      scope: 'PRINCIPAL_ROLE:ALL',
    })
    expect(new Set(requests().map(({ headers }) => headers.authorization ?? 'none'))).toEqual(new Set(['none', 'Bearer t1']))
  })

  it('renews the token before it expires, with the secret that is current', async () => {
    const { catalog, clock, tokens, secret, requests } = await tokenWorld({ life: 3600 })
    await catalog.loadTable(table)
    await clock.sleep(3_290_000)
    await catalog.loadTable(table)
    expect(tokens()).toHaveLength(1)
    secret.text = 'very-secret-2'
    await clock.sleep(15_000)
    await catalog.loadTable(table)
    expect(tokens()).toHaveLength(2)
    expect(tokens()[1].body).toContain('very-secret-2')
    expect(requests().at(-1)?.headers.authorization).toBe('Bearer t2')
  })

  it('goes on with the old token while the endpoint stumbles, and not beyond its life', async () => {
    const answers: StandIn[] = [undefined]
    const { catalog, clock } = await tokenWorld({ answer: () => (answers.length > 0 ? answers.shift() : { status: 503, body: 'busy' }) })
    await catalog.loadTable(table)
    await clock.sleep(3_400_000)
    await catalog.loadTable(table)
    await clock.sleep(250_000)
    await expect(catalog.loadTable(table)).rejects.toThrow(/getting a token for client robot: POST .*\/tokens answered 503.*overloaded/)
  })

  it('shows a new token where the old one was revoked, without a word', async () => {
    const { catalog, refused, tokens } = await tokenWorld()
    await catalog.loadTable(table)
    refused.add('t1')
    expect(await catalog.loadTable(table)).toBeNull()
    expect(tokens()).toHaveLength(2)
  })

  it('keeps the new token when requests that showed the old one are refused late', async () => {
    const { catalog, refused, tokens } = await tokenWorld()
    await catalog.loadTable(table)
    refused.add('t1')
    await Promise.all(Array.from({ length: 40 }, () => catalog.loadTable(table)))
    expect(tokens()).toHaveLength(2)
  })

  it('says what is wrong where no token is accepted, and does not ask for ever', async () => {
    const { catalog, refused, tokens } = await tokenWorld()
    for (const token of ['t1', 't2', 't3']) refused.add(token)
    await expect(catalog.loadTable(table)).rejects.toThrow(/answered 401 \(an empty body\). Check the token/)
    expect(tokens().length).toBeLessThanOrEqual(3)
  })

  it('tells what the token endpoint said of wrong credentials, and never the secret', async () => {
    const body = JSON.stringify({ error: 'invalid_client', error_description: 'client robot with very-secret-1 is not known' })
    const { catalog } = await tokenWorld({ answer: () => ({ status: 401, body }) })
    const message = await catalog.loadTable(table).then(String, (error: Error) => error.message)
    expect(message).toMatch(/invalid_client: client robot with \*\*\* is not known.*Check oauth2.clientId, clientSecret and scope/)
    expect(message).not.toContain('very-secret-1')
  })

  it('understands an error in Iceberg’s form', async () => {
    const { catalog } = await tokenWorld({ answer: () => ({ status: 400, body: errorBody(400, 'BadRequestException', 'no such scope') }) })
    await expect(catalog.loadTable(table)).rejects.toThrow(/BadRequestException: no such scope/)
  })
})
