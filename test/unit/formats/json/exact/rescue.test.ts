import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { normalizedPath, Rescue, rescuedBytes, rescuedWhole, type Step } from '../../../../../src/formats/json/exact/rescue.ts'
import { stepsOf } from '../rebuild.ts'

describe('a normalized path', () => {
  test.each<[Step[], string]>([
    [[], '$'],
    [['a'], "$['a']"],
    [['a', 'b', 0, 12], "$['a']['b'][0][12]"],
    [['a', { mapKey: '0' }], "$['a']['0']"],
    [[''], "$['']"],
    [["it's"], "$['it\\'s']"],
    [['a\\b'], "$['a\\\\b']"],
    [['"'], `$['"']`],
    [['\b\t\n\f\r'], "$['\\b\\t\\n\\f\\r']"],
    [['\0\u000b\u001f'], "$['\\u0000\\u000b\\u001f']"],
    [['\u007f\u2028 é😀/'], "$['\u007f\u2028 é😀/']"],
    [['\ud83d'], "$['\\ud83d']"],
    [['\udE00\ud83D'], "$['\\ude00\\ud83d']"],
    [['\ud83d😀'], "$['\\ud83d😀']"],
  ])('of %j is %s', (steps, path) => {
    expect(normalizedPath(steps)).toBe(path)
  })

  test('tells the steps, whatever names stand in it', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.constantFrom('\ud800', "'\\"), fc.nat())), (steps) => {
        expect(stepsOf(normalizedPath(steps))).toEqual(steps)
      }),
    )
  })
})

describe('a rescue text', () => {
  test('has its entries in the order of the document', () => {
    const rescue = new Rescue()
    rescue.add(['b'], 20, '"x"')
    rescue.addNull(['c'], 5)
    rescue.add(['a', 3], 7, '[1, "é"]')
    expect(shown(rescue)).toEqual([`{"$['c']":"null","$['a'][3]":"[1, \\"é\\"]","$['b']":"\\"x\\""}`, ["$['a'][*]", "$['b']"]])
  })

  test('is null where nothing was rescued', () => {
    expect(new Rescue().kept()).toEqual({ rescue: null, paths: [] })
  })

  test('counts indexes and map keys as one, names each for itself', () => {
    const rescue = new Rescue()
    rescue.add(['m', { mapKey: 'k' }, 'f', 9], 0, '1')
    expect(rescue.kept().paths).toEqual(["$['m'][*]['f'][*]"])
  })

  test('escapes a path as a JSON string', () => {
    const rescue = new Rescue()
    rescue.add(['a\\"\n\ud83d'], 0, '1')
    expect(shown(rescue)[0]).toBe(String.raw`{"$['a\\\\\"\\n\\ud83d']":"1"}`)
  })

  test('of a whole record stands under $', () => {
    expect(Buffer.from(rescuedWhole(' "x"\n').rescue!).toString()).toBe(String.raw`{"$":" \"x\"\n"}`)
    expect(Buffer.from(rescuedBytes(Buffer.from('9f00ff', 'hex').subarray(1)).rescue!).toString()).toBe('{"$":{"$base64":"AP8="}}')
    expect([rescuedWhole('').paths, rescuedBytes(Buffer.of(255)).paths]).toEqual([['$'], ['$']])
  })
})

function shown(rescue: Rescue): [string, readonly string[]] {
  const kept = rescue.kept()
  return [Buffer.from(kept.rescue!).toString(), kept.paths]
}
