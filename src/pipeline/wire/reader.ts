/** A value of JSON from another process, and its place in what was sent. Whatever is not as expected is an Error that names the place. */
export class Reader {
  readonly #value: unknown
  readonly #place: string

  constructor(value: unknown, place: string) {
    this.#value = value
    this.#place = place
  }

  field(name: string): Reader {
    if (!isObject(this.#value)) throw this.#not('an object')
    return new Reader(this.#value[name], `${this.#place}.${name}`)
  }

  at(index: number): Reader {
    if (!Array.isArray(this.#value)) throw this.#not('a list')
    return new Reader(this.#value[index], `${this.#place}[${index}]`)
  }

  list<T>(read: (item: Reader) => T): T[] {
    if (!Array.isArray(this.#value)) throw this.#not('a list')
    return this.#value.map((item, index) => read(new Reader(item, `${this.#place}[${index}]`)))
  }

  entries<T>(read: (item: Reader) => T): [string, T][] {
    if (!isObject(this.#value)) throw this.#not('an object')
    return Object.entries(this.#value).map(([key, item]) => [key, read(new Reader(item, `${this.#place}.${key}`))])
  }

  /** Undefined where nothing stands there. */
  optional<T>(read: (item: Reader) => T): T | undefined {
    return this.#value === undefined ? undefined : read(this)
  }

  nullable<T>(read: (item: Reader) => T): T | null {
    return this.#value === null ? null : read(this)
  }

  text(): string {
    if (typeof this.#value !== 'string') throw this.#not('a string')
    return this.#value
  }

  oneOf<const T extends readonly (string | number)[]>(values: T): T[number] {
    if (!values.includes(this.#value as string)) throw this.#not(values.join(' or '))
    return this.#value as T[number]
  }

  number(): number {
    if (typeof this.#value !== 'number') throw this.#not('a number')
    return this.#value
  }

  /** A place in a list of `length`. */
  index(length: number): number {
    const place = this.number()
    if (!Number.isInteger(place) || place < 0 || place >= length) throw this.#not(`a whole number below ${length}`)
    return place
  }

  flag(): boolean {
    if (typeof this.#value !== 'boolean') throw this.#not('true or false')
    return this.#value
  }

  /** A whole number in decimal digits, as a string. */
  bigint(): bigint {
    if (typeof this.#value !== 'string' || !/^-?\d+$/.test(this.#value)) throw this.#not('the digits of a whole number')
    return BigInt(this.#value)
  }

  /** Bytes in base64. */
  bytes(): Uint8Array {
    return new Uint8Array(Buffer.from(this.text(), 'base64'))
  }

  /** The value itself; for what its owner wrote and reads as it is. */
  raw(): unknown {
    if (this.#value === undefined) throw this.#not('a value')
    return this.#value
  }

  #not(expected: string): Error {
    const found = this.#value === null ? 'null' : Array.isArray(this.#value) ? 'a list' : typeof this.#value
    return new Error(`${this.#place}: expected ${expected}, found ${found === 'undefined' ? 'nothing' : found}`)
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
