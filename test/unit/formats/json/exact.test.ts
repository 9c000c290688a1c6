import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseJson, stringifyJson } from '../../../../src/formats/json/exact.ts'

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
/** As it comes back: what a double holds exactly is a number. */
const read = (value: bigint): bigint | number => (Number.isSafeInteger(Number(value)) ? Number(value) : value)

describe('exact JSON', () => {
  it('gives back every 64-bit integer, wherever it stands', () => {
    fc.assert(
      fc.property(fc.array(int64), fc.string(), (ids, key) => {
        const text = stringifyJson({ [key]: ids, nested: [{ ids }] })
        expect(parseJson(text, 'x')).toEqual({ [key]: ids.map(read), nested: [{ ids: ids.map(read) }] })
      }),
    )
  })

  it('agrees with JSON about everything that a double holds', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value)
        expect(stringifyJson(parseJson(text, 'x'))).toBe(JSON.stringify(JSON.parse(text)))
      }),
    )
  })

  it('keeps the text of a document with ids beyond 2^53', () => {
    const text = '{"a":9007199254740993,"b":[-9223372036854775808,1.5,1e+300,"9007199254740993"],"c":9007199254740991}'
    expect(stringifyJson(parseJson(text, 'x'))).toBe(text)
    expect(parseJson('[9007199254740992, 9007199254740991, -9007199254740992, 1e20]', 'x')).toEqual([
      2n ** 53n,
      2 ** 53 - 1,
      -(2n ** 53n),
      1e20,
    ])
  })

  it('leaves out keys without a value and indents where asked to', () => {
    expect(stringifyJson({ a: undefined, b: 2n ** 60n }, 2)).toBe('{\n  "b": 1152921504606846976\n}')
  })

  it.each([
    ['', 'a.json is not JSON: it is empty'],
    ['{"token":"hunter2"', 'a.json is not JSON: it ends too early, after 18 characters'],
    ['{"token":"hunter2', 'a.json is not JSON: it ends too early, after 17 characters'],
    ['{"token":"hunter2"}}', 'a.json is not JSON: unexpected text at character 19 of 20'],
    ['{"token":hunter2}', 'a.json is not JSON: unexpected text somewhere in its 17 characters'],
  ])('says what is wrong with %j, and quotes nothing of it', (text, message) => {
    expect(() => parseJson(text, 'a.json')).toThrow(new Error(message))
  })

  it('reads and writes a document of 5 MB in well under a second', () => {
    const text = `[${Array.from({ length: 60_000 }, (_, i) => `{"snapshot-id":${7_000_000_000_000_000_000n + BigInt(i)},"manifest-list":"s3://bucket/${'x'.repeat(40)}"}`).join()}]`
    expect(text.length).toBeGreaterThan(5_000_000)
    const startMs = performance.now()
    expect(stringifyJson(parseJson(text, 'x'))).toBe(text)
    expect(performance.now() - startMs).toBeLessThan(3_000)
  })
})
