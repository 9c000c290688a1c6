/** Source text, and the values that its names are bound to. */
export class Program {
  readonly #parts: string[] = []
  readonly #bound = new Map<string, unknown>()
  readonly #names = new Map<unknown, string>()
  #count = 0

  nextName(kind: string): string {
    return `${kind}${this.#count++}`
  }

  bindAs(name: string, value: unknown): void {
    this.#bound.set(name, value)
  }

  bind(value: object): string {
    const known = this.#names.get(value)
    if (known !== undefined) return known
    const name = this.nextName('value')
    this.#names.set(value, name)
    this.#bound.set(name, value)
    return name
  }

  add(part: string): void {
    this.#parts.push(part)
  }

  compile(): unknown {
    // oxlint-disable-next-line typescript/no-implied-eval
    const make = new Function('bound', `'use strict'\nconst {${[...this.#bound.keys()].join(', ')}} = bound\n${this.#parts.join('\n')}`)
    return make(Object.fromEntries(this.#bound)) as unknown
  }
}
