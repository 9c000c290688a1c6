import { expect, test } from 'vitest'
import { Validity } from '../../../../../src/formats/arrow/builders/validity.ts'

test('without nulls there is no bitmap', () => {
  expect(new Validity().snapshot(5000)).toBeNull()
})

test('the first null far behind the beginning is in its place', () => {
  const validity = new Validity()
  validity.markNull(4000)
  const bits = validity.snapshot(4001)!
  expect([bits.length, bits[500], bits.filter((byte) => byte !== 0xff).length]).toEqual([501, 0xfe, 1])
})

test('slots far behind the last null are present', () => {
  const validity = new Validity()
  validity.markNull(0)
  const bits = validity.snapshot(100_000)!
  expect([bits.length, bits[0], bits.filter((byte) => byte !== 0xff).length]).toEqual([12_500, 0xfe, 1])
})

test('nulls that are cut off are forgotten, the others are kept', () => {
  const validity = new Validity()
  for (const i of [3, 2000, 2001, 9000]) validity.markNull(i)
  validity.truncate(2001, 100_000)
  expect(validity.nulls).toBe(2)
  expect([validity.snapshot(2001)![0], validity.snapshot(2001)![250]]).toEqual([0b1111_0111, 0b1111_1110])
  validity.clear()
  validity.markNull(1)
  expect([validity.nulls, validity.snapshot(2008)![0], validity.snapshot(2008)![250]]).toEqual([1, 0b1111_1101, 0xff])
})
