import { describe, expect, test } from 'vitest'
import { nextOffsets } from '../../../../src/drivers/watermarks/etcd-offsets.ts'

const folder = 'processors/offsets/'
const said = (offset: string) => `{"offset":${offset},"last_timestamp_ms":1767225600000,"updated_at":1767225600001}`

describe('the offsets of the Go processor', () => {
  test('are the last ones that it was done with, exactly, whatever stands around them', () => {
    const pairs = [
      { key: `${folder}orders/0`, value: said('9007199254740993') },
      { key: `${folder}orders/12`, value: said('-1') },
      { key: `${folder}a.b/0`, value: '{"updated_at":1, "offset" : 4 }' },
    ]
    expect(nextOffsets(pairs, folder)).toEqual(
      new Map([
        [
          'orders',
          new Map([
            [0, 9007199254740994n],
            [12, 0n],
          ]),
        ],
        ['a.b', new Map([[0, 5n]])],
      ]),
    )
  })

  test.each([
    ['orders/x', said('1')],
    ['orders/0', '{}'],
    ['orders/0', said('1.5')],
    ['orders/0', said('-2')],
    ['orders/0', 'not json'],
  ])('%s with %s is refused, naming the key', (place, value) => {
    expect(() => nextOffsets([{ key: folder + place, value }], folder)).toThrow(`${folder}${place}`)
  })
})
