import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { binaryOf, uuidOf } from '../../../../../src/formats/json/exact/plain.ts'

describe('uuid', () => {
  const text = '01234567-89ab-cdef-0123-456789abcdef'
  const value = Buffer.from('0123456789abcdef0123456789abcdef', 'hex')

  test('small letters are exact, large ones are the same value, written otherwise', () => {
    expect(uuidOf(text)).toEqual({ value, isExact: true })
    expect(uuidOf(text.toUpperCase())).toEqual({ value, isExact: false })
    expect(uuidOf(text.replace('a', 'A'))).toEqual({ value, isExact: false })
  })

  test.each([
    '',
    text.replaceAll('-', ''),
    `{${text}}`,
    `urn:uuid:${text}`,
    `${text}0`,
    text.slice(1),
    text.replace('f', 'g'),
    ` ${text}`,
    `${text}\n`,
    text.replace('-', '\u2010'),
    text.replace('f', 'ſ'),
  ])('%j is none', (other) => {
    expect(uuidOf(other)).toBeNull()
  })
})

describe('binary', () => {
  test('any bytes in base64 come back', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const fit = binaryOf(Buffer.from(bytes).toString('base64'))
        expect([fit?.isExact, new Uint8Array(fit!.value)]).toEqual([true, bytes])
      }),
    )
  })

  test.each([
    'A',
    'AA',
    'AAA',
    'AA=',
    'AAA',
    'AB==',
    'AAF=',
    'AA==\n',
    ' AA==',
    'A A==',
    'AA==AA==',
    '____',
    '-_==',
    'AAAA=',
    '====',
    'é===',
    'AAAAA',
  ])('%j is no base64 with its padding and without stray bits', (text) => {
    expect(binaryOf(text)).toBeNull()
  })
})
