import { textOfString, utf8Text } from '../../formats/json/exact/strings.ts'
import { elementsOf, membersOf, type Span } from '../../formats/json/exact/walk.ts'
import { FormTally } from './form-tally.ts'
import { readTimeText } from './time-text.ts'

/** What a sample has at one place of its documents: the documents themselves, a member of an object, or the elements of a list. */
export interface Place {
  /** Places are numbered in the order in which they first appear. */
  readonly order: number
  /** How often it is there, null or not: of a member, in so many of the objects that could have it. */
  seen: number
  /** How many documents have something else than null there. */
  documents: number
  booleans: number
  /** Numbers without fraction and exponent that 64 bits hold, those that they do not hold, and all other numbers. */
  longs: number
  longer: number
  others: number
  /** The most digits of a number without fraction and exponent. */
  digits: number
  strings: number
  /** Of the strings: dates, and timestamps without and with a zone. */
  dates: number
  timestamps: number
  timestamptzs: number
  readonly forms: FormTally
  objects: number
  /** The members of its objects, in the order of their first appearance. */
  readonly members: Map<string, Place>
  lists: number
  /** Null until a list has an element. */
  element: Place | null
}

/** Places of one sample at most. */
const maxPlaces = 20_000
/** Characters of a key that is noted, as many as a name has. */
const longestKey = 255

/**
 * What the documents of a sample have in common. Its memory is bounded: a place that appears when `maxPlaces` others are known is
 * not noted, neither is one more than `maxDepth` objects and lists beneath the document itself, nor a member with a key of more than
 * 255 characters.
 */
export class Evidence {
  readonly #maxDepth: number
  readonly #noted = new WeakMap<Place, number>()
  #places = 0
  #document = 0
  /** The documents themselves. */
  readonly root: Place = this.#place()!

  constructor(maxDepth: number) {
    this.#maxDepth = maxDepth
  }

  /** Takes in a document: the object that begins at `start` of bytes that are JSON. */
  add(bytes: Uint8Array, start: number): void {
    this.#document++
    this.#note(this.root, bytes, { start, end: bytes.length }, 0)
  }

  #note(place: Place, bytes: Uint8Array, span: Span, depth: number): void {
    place.seen++
    const first = String.fromCharCode(bytes[span.start])
    if (first === 'n') return
    if (this.#noted.get(place) !== this.#document) {
      this.#noted.set(place, this.#document)
      place.documents++
    }
    if (first === '{') this.#noteObject(place, bytes, span, depth)
    else if (first === '[') this.#noteList(place, bytes, span, depth)
    else if (first === '"') noteString(place, bytes, span)
    else if (first === 't' || first === 'f') place.booleans++
    else noteNumber(place, utf8Text(bytes, span.start, span.end))
  }

  #noteObject(place: Place, bytes: Uint8Array, { start }: Span, depth: number): void {
    place.objects++
    if (depth > this.#maxDepth) return
    for (const [key, span] of membersOf(bytes, start)) {
      let member: Place | null | undefined = place.members.get(key)
      if (member === undefined) {
        // A long key is data, and one with half a surrogate pair is no text: nothing can be named after them.
        member = key.length <= longestKey && key.isWellFormed() ? this.#place() : null
        if (member === null) continue
        place.members.set(key, member)
      }
      this.#note(member, bytes, span, depth + 1)
    }
  }

  #noteList(place: Place, bytes: Uint8Array, { start }: Span, depth: number): void {
    place.lists++
    if (depth > this.#maxDepth) return
    for (const span of elementsOf(bytes, start)) {
      place.element ??= this.#place()
      if (place.element === null) return
      this.#note(place.element, bytes, span, depth + 1)
    }
  }

  #place(): Place | null {
    if (this.#places >= maxPlaces) return null
    return {
      order: this.#places++,
      seen: 0,
      documents: 0,
      booleans: 0,
      longs: 0,
      longer: 0,
      others: 0,
      digits: 0,
      strings: 0,
      dates: 0,
      timestamps: 0,
      timestamptzs: 0,
      forms: new FormTally(),
      objects: 0,
      members: new Map(),
      lists: 0,
      element: null,
    }
  }
}

/** A time with its zone in JSON's quotes, escaped perhaps; longer strings are not looked at. */
const longestTime = 64

function noteString(place: Place, bytes: Uint8Array, { start, end }: Span): void {
  place.strings++
  const time = end - start > longestTime ? null : readTimeText(textOfString(bytes, start, end))
  if (time === null || time.type === 'time') return
  if (time.type === 'date') place.dates++
  else {
    if (time.type === 'timestamp') place.timestamps++
    else place.timestamptzs++
    place.forms.add(time)
  }
}

const integer = /^-?\d+$/
const leastLong = -(2n ** 63n)
const greatestLong = 2n ** 63n - 1n

function noteNumber(place: Place, text: string): void {
  if (!integer.test(text)) {
    place.others++
    return
  }
  const digits = text.startsWith('-') ? text.length - 1 : text.length
  place.digits = Math.max(place.digits, digits)
  // Longer ones are out of range, whatever they are; to compute them would take time that grows with the square of their length.
  const value = digits > 19 ? null : BigInt(text)
  if (value !== null && value >= leastLong && value <= greatestLong) place.longs++
  else place.longer++
}
