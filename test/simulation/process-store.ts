import type { SeededRandom } from '../../src/drivers/entropy/seeded.ts'
import { WorkError } from '../../src/model/failure.ts'
import type { ListPage, WarehouseStore } from '../../src/seams/object-store.ts'
import { InvariantBroken } from './faults.ts'
import type { Life } from './life.ts'
import { isNamed } from './named-files.ts'
import type { Surroundings } from './process-seams.ts'

/**
 * A store as one process sees it. Requests and answers take time and get lost; the process may die in between, and then a request
 * that is on its way still takes effect, or not.
 */
export function processStore(
  name: 'source' | 'warehouse',
  store: WarehouseStore,
  life: Life,
  random: SeededRandom,
  around: Surroundings,
): WarehouseStore {
  const { clock, weather, faults, log } = around
  const say = (event: string): void => log.add(life.name, `${name} ${event}`)

  function broken(invariant: string, detail: string): InvariantBroken {
    const error = new InvariantBroken(invariant, detail)
    around.onBug(error)
    return error
  }

  async function travel(): Promise<void> {
    const { ms, slow } = weather.latencyMs(random)
    if (slow) faults.add('answer-slow')
    await clock.sleep(ms)
  }

  /** A request that changes nothing. */
  async function ask<T>(kind: 'list' | 'get', key: string, request: () => Promise<T>): Promise<T> {
    await life.gate()
    await travel()
    if (weather.strikes(random, 0.01)) {
      faults.add(`${kind}-error`)
      say(`${kind} ${key} fails`)
      await life.gate()
      throw new WorkError(`${name}: ${kind} of ${key} failed`, { retry: random.pick(['now', 'later']) })
    }
    const answer = await request().then(
      (value) => () => value,
      (error: unknown) => () => {
        throw error
      },
    )
    await travel()
    await life.gate()
    say(`${kind} ${key}`)
    return answer()
  }

  async function* list(query: Parameters<WarehouseStore['list']>[0]): AsyncGenerator<ListPage> {
    const pages = store.list(query)[Symbol.asyncIterator]()
    for (;;) {
      const page = await ask('list', query.prefix, async () => {
        const listed = await pages.next()
        if (name === 'source') around.listings.tell(query.prefix)
        return listed
      })
      if (page.done === true) return
      yield page.value
    }
  }

  return {
    list,
    get: (key, options) => ask('get', key, () => store.get(key, options)),
    async put(key, chunks) {
      if (name === 'source') throw broken('the source is only read', `${life.name} puts ${key}`)
      const pieces: Uint8Array[] = []
      for await (const chunk of chunks) pieces.push(chunk.slice())
      await life.gate()
      life.sends()
      await travel()
      if (!life.alive) {
        if (random.chance(0.5)) return life.gate().then(() => 0)
        faults.add('effect-after-death')
      } else if (weather.strikes(random, 0.01)) {
        faults.add('put-error')
        say(`put ${key} fails`)
        throw new WorkError(`${name}: put of ${key} failed`, { retry: 'later' })
      }
      const lost = weather.strikes(random, 0.01)
      if (await exists(store, key)) throw broken('no file is written twice', `${life.name} puts ${key}`)
      const size = await store.put(key, pieces)
      say(`put ${key} ${size}`)
      await travel()
      await life.gate()
      if (lost) {
        faults.add('put-lost-after')
        throw new WorkError(`${name}: the answer to put of ${key} was lost`, { retry: 'later' })
      }
      return size
    },
    async remove(key) {
      if (name === 'source') throw broken('nothing of the source is deleted', `${life.name} removes ${key}`)
      await life.gate()
      life.sends()
      await travel()
      if (!life.alive) {
        if (random.chance(0.5)) return life.gate()
        faults.add('effect-after-death')
      } else if (weather.strikes(random, 0.01)) {
        say(`remove ${key} fails`)
        throw new WorkError(`${name}: remove of ${key} failed`, { retry: 'later' })
      }
      if (await isNamed(key, store, around.catalog)) throw broken('no file that a snapshot names is removed', `${life.name} removes ${key}`)
      await store.remove(key)
      around.excuses.fileRemoved(key)
      faults.add('file-removed')
      say(`remove ${key}`)
      await travel()
      await life.gate()
    },
    async close() {},
  }
}

export function exists(store: WarehouseStore, key: string): Promise<boolean> {
  return store.get(key, { range: { start: 0, end: 1 } }).then(
    () => true,
    () => false,
  )
}
