import { describe, expect, it } from 'vitest'
import { virtualClock } from '../../../../src/drivers/clock/virtual.ts'
import { type GrantedAccess, type GrantedKeys, grantedFiles } from '../../../../src/drivers/io/granted-files.ts'
import type { ListedFiles } from '../../../../src/seams/file-io.ts'

type Config = Record<string, string>

/** Files that remember through which access each was reached, and a clock that is moved by hand. */
function world() {
  const reached: string[] = []
  const keys: GrantedKeys[] = []
  let nowMs = 1_000_000
  const open = (name: string, access: GrantedAccess = {}): ListedFiles & { close(): Promise<void> } => {
    const reach = async (uri: string) => {
      if (access.keys !== undefined) keys.push(await access.keys())
      reached.push(`${name} ${uri}`)
    }
    return {
      read: async (uri, range) => (await reach(uri), new Uint8Array(range === undefined ? 0 : range.end - range.start)),
      write: async (uri) => (await reach(uri), 0),
      remove: reach,
      async *list(directory) {
        await reach(`${directory} listed`)
        yield { files: [], dateMs: 0 }
      },
      close: async () => void reached.push(`${name} closed`),
    }
  }
  const clock = { ...virtualClock(), now: () => nowMs }
  const files = grantedFiles(open('own'), (access) => open(access.endpoint ?? 'granted', access), clock)
  return { files, reached, keys, pass: (ms: number) => (nowMs += ms) }
}

const keyed = (id: string, more: Config = {}): Config => ({ 's3.access-key-id': id, 's3.secret-access-key': `secret of ${id}`, ...more })
const never = async (): Promise<Config> => {
  throw new Error('not to be asked')
}

describe('files that a catalog grants access to', () => {
  it('are reached by the longest location above them, and others as the document says', async () => {
    const { files, reached } = world()
    files.grant('s3://lake/db', keyed('a', { 's3.endpoint': 'http://a' }), never)
    files.grant('s3://lake/db/orders/', keyed('b', { 's3.endpoint': 'http://b' }), never)
    await files.read('s3://lake/db/orders/x')
    await files.write('s3://lake/db/orders2/x', [])
    await files.remove('s3://lake/other')
    await files.close()
    expect(reached).toEqual([
      'http://b s3://lake/db/orders/x',
      'http://a s3://lake/db/orders2/x',
      'own s3://lake/other',
      'http://a closed',
      'http://b closed',
      'own closed',
    ])
  })

  it('are read in parts as others are', async () => {
    const { files } = world()
    expect(await files.read('s3://lake/x', { start: 2, end: 5 })).toHaveLength(3)
  })

  it('are reached as the document says where the catalog says nothing of storage', async () => {
    const { files, reached } = world()
    files.grant('s3://lake/t', { 'polaris.note': 'x' }, never)
    await files.read('s3://lake/t/x')
    expect(reached).toEqual(['own s3://lake/t/x'])
  })

  it.each(['s3.endpoint', 's3.path-style-access', 'client.region', 's3.region'])(
    'are reached as the catalog says where that is %s alone',
    async (key) => {
      const { files, reached } = world()
      files.grant('s3://lake/t', { [key]: 'true' }, never)
      await files.read('s3://lake/t/x')
      expect(reached).toEqual([`${key === 's3.endpoint' ? 'true' : 'granted'} s3://lake/t/x`])
    },
  )

  it('have keys that are renewed five minutes before they expire, once for many that ask', async () => {
    const { files, keys, pass } = world()
    const asked: number[] = []
    const renew = async () => (asked.push(1), keyed('new', { 's3.session-token': 't', 's3.session-token-expires-at-ms': '9000000' }))
    files.grant('s3://lake/t', keyed('old', { 's3.session-token-expires-at-ms': '4600000' }), renew)
    await files.read('s3://lake/t/x')
    pass(3_290_000)
    await files.read('s3://lake/t/x')
    expect(asked).toEqual([])
    pass(15_000)
    await Promise.all([files.read('s3://lake/t/x'), files.read('s3://lake/t/y')])
    expect(asked).toHaveLength(1)
    expect(keys.map(({ accessKeyId }) => accessKeyId)).toEqual(['old', 'old', 'new', 'new'])
    expect(keys[2]).toEqual({ accessKeyId: 'new', secretAccessKey: 'secret of new', sessionToken: 't' })
  })

  it('without an expiry are renewed within a quarter of an hour', async () => {
    const { files, keys, pass } = world()
    files.grant('s3://lake/t', keyed('old'), async () => keyed('new'))
    pass(9 * 60_000)
    await files.read('s3://lake/t/x')
    pass(2 * 60_000)
    await files.read('s3://lake/t/x')
    expect(keys.map(({ accessKeyId }) => accessKeyId)).toEqual(['old', 'new'])
  })

  it('without an expiry that are given again are good for as long again', async () => {
    const { files, keys, pass } = world()
    let asked = 0
    files.grant('s3://lake/t', keyed('same'), async () => (asked++, keyed('same')))
    pass(16 * 60_000)
    for (let i = 0; i < 5; i++) await files.read('s3://lake/t/x')
    expect([asked, keys.length]).toEqual([1, 5])
    pass(11 * 60_000)
    for (let i = 0; i < 5; i++) await files.read('s3://lake/t/x')
    expect([asked, keys.length]).toEqual([2, 10])
  })

  it('go on with keys that are still good while the catalog stumbles, and fail with its reason when they are over', async () => {
    const { files, pass } = world()
    files.grant('s3://lake/t', keyed('old', { 's3.session-token-expires-at-ms': '4600000' }), async () => {
      throw new Error('catalog: no connection')
    })
    pass(3_400_000)
    await files.read('s3://lake/t/x')
    pass(300_000)
    await expect(files.read('s3://lake/t/x')).rejects.toThrow('catalog: no connection')
  })

  it('without an expiry are used while the catalog stumbles, however long: the store knows whether they are over', async () => {
    const { files, keys, pass } = world()
    files.grant('s3://lake/t', keyed('old'), async () => {
      throw new Error('catalog: no connection')
    })
    pass(3_600_000)
    await files.read('s3://lake/t/x')
    expect(keys.map(({ accessKeyId }) => accessKeyId)).toEqual(['old'])
  })

  it('that are told again for longer are good for as long', async () => {
    const { files, keys, pass } = world()
    files.grant('s3://lake/t', keyed('same', { 's3.session-token-expires-at-ms': '2000000' }), never)
    files.grant('s3://lake/t', keyed('same', { 's3.session-token-expires-at-ms': '9000000' }), never)
    pass(2_500_000)
    await files.read('s3://lake/t/x')
    expect(keys.map(({ accessKeyId }) => accessKeyId)).toEqual(['same'])
  })

  it('are no younger for being told again, as a table that is the same is', async () => {
    const { files, keys, pass } = world()
    const renew = async () => keyed('new')
    files.grant('s3://lake/t', keyed('old'), renew)
    pass(9 * 60_000)
    files.grant('s3://lake/t', keyed('old'), renew)
    pass(2 * 60_000)
    await files.read('s3://lake/t/x')
    expect(keys.map(({ accessKeyId }) => accessKeyId)).toEqual(['new'])
  })

  it('keep the keys that live longest, whichever is told last', async () => {
    const { files, keys } = world()
    files.grant('s3://lake/t', keyed('later', { 's3.session-token-expires-at-ms': '9000000' }), never)
    files.grant('s3://lake/t', keyed('earlier', { 's3.session-token-expires-at-ms': '5000000' }), never)
    await files.read('s3://lake/t/x')
    expect(keys.map(({ accessKeyId }) => accessKeyId)).toEqual(['later'])
  })

  it('do not wait for a catalog that stumbles at each request', async () => {
    const { files, pass } = world()
    let asked = 0
    files.grant('s3://lake/t', keyed('old', { 's3.session-token-expires-at-ms': '4600000' }), async () => {
      asked += 1
      throw new Error('catalog: no connection')
    })
    pass(3_400_000)
    for (let i = 0; i < 5; i++) await files.read('s3://lake/t/x')
    expect(asked).toBe(1)
    pass(11_000)
    await files.read('s3://lake/t/x')
    expect(asked).toBe(2)
  })

  it('take the keys of each new look at the table', async () => {
    const { files, keys } = world()
    files.grant('s3://lake/t', keyed('one'), never)
    files.grant('s3://lake/t', keyed('two'), never)
    await files.read('s3://lake/t/x')
    expect(keys.map(({ accessKeyId }) => accessKeyId)).toEqual(['two'])
  })
})
