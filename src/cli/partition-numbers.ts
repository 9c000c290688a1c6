import { DocumentError } from '../model/failure.ts'

/** Reads a list of numbers and of ranges of them, both ends included: `0,3,8-11`. */
export function partitionNumbers(flag: string): (text: string) => number[] {
  return (text) =>
    text.split(',').flatMap((part) => {
      const found = /^(\d{1,6})(?:-(\d{1,6}))?$/.exec(part.trim())
      const [first, last] = [Number(found?.[1]), Number(found?.[2] ?? found?.[1])]
      if (found === null || last < first)
        throw new DocumentError(`${flag}: expected partitions such as 0,3,8-11, found ${JSON.stringify(text)}`)
      return Array.from({ length: last - first + 1 }, (_, i) => first + i)
    })
}
