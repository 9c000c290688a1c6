import { expect, test } from 'vitest'
import { virtualClock } from '../../../../src/drivers/clock/virtual.ts'
import { countingMeter } from '../../../../src/drivers/meter/counting.ts'
import { memoryStore } from '../../../../src/drivers/store/memory.ts'
import { meteringStore } from '../../../../src/drivers/store/metering.ts'
import { objectStoreConformance, pagesOf } from '../../../conformance/object-store.ts'

objectStoreConformance('a metered store', async () => meteringStore(memoryStore({ clock: virtualClock() }), 'source', countingMeter()))

test('requests, bytes, pages and failures are counted by the name of the store', async () => {
  const meter = countingMeter()
  let broken = false
  const fault = () => (broken ? new Error('broken') : undefined)
  const store = meteringStore(memoryStore({ clock: virtualClock(), fault, pageSize: 1 }), 'source', meter)
  await store.put('a', [Buffer.from('12')])
  await store.put('b', [Buffer.from('345')])
  await store.get('a')
  await pagesOf(store, { prefix: '' })
  broken = true
  await expect(store.get('a')).rejects.toThrow('broken')
  await expect(store.put('c', [])).rejects.toThrow('broken')
  await expect(pagesOf(store, { prefix: '' })).rejects.toThrow('broken')
  expect(Object.fromEntries(meter.totals())).toEqual({
    'store.source.put.requests': 3,
    'store.source.put.bytes': 5,
    'store.source.put.failures': 1,
    'store.source.get.requests': 2,
    'store.source.get.bytes': 2,
    'store.source.get.failures': 1,
    'store.source.list.pages': 2,
    'store.source.list.failures': 1,
  })
})
