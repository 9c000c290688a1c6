import fc from 'fast-check'
import { expect } from 'vitest'
import type { Builder } from '../../../../../src/formats/arrow/builders/builder.ts'
import { valuesOf } from '../values.ts'

/** What is done to a builder. `times` is now and then more than the room that a builder begins with. */
type Step<T> =
  | { readonly append: T | null; readonly times: number }
  | { readonly truncateTo: number }
  | { readonly look: true }
  | { readonly clear: true }

/** Something that is appended to and a plain array of the same. */
export interface Compared<T> {
  readonly builder: Builder
  /** Never null: that is the builder's own `appendNull`. */
  readonly append: (value: T) => void
  /** What a snapshot holds for a value. */
  readonly plain?: (value: T) => unknown
}

function anySteps<T>(value: fc.Arbitrary<T>): fc.Arbitrary<Step<T>[]> {
  const times = fc.oneof({ weight: 20, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: fc.integer({ min: 1, max: 1500 }) })
  return fc.array(
    fc.oneof(
      { weight: 20, arbitrary: fc.record({ append: fc.option(value), times }) },
      { weight: 2, arbitrary: fc.record({ truncateTo: fc.double({ min: 0, max: 1, noNaN: true }) }) },
      { weight: 2, arbitrary: fc.constant({ look: true } as const) },
      { weight: 1, arbitrary: fc.constant({ clear: true } as const) },
    ),
    { maxLength: 40, size: 'max' },
  )
}

/** Does any steps to a builder and to a plain array, and expects the same of both. `make` gives a new builder. */
export function holdsWhatAnArrayWould<T>(value: fc.Arbitrary<T>, make: () => Compared<T>): void {
  fc.assert(
    fc.property(anySteps(value), (steps) => {
      const { builder, append, plain = (same) => same } = make()
      const model: unknown[] = []
      for (const step of steps) {
        if ('append' in step) {
          for (let i = 0; i < step.times; i++) {
            if (step.append === null) builder.appendNull()
            else append(step.append)
            model.push(step.append === null ? null : plain(step.append))
          }
        } else if ('look' in step) expectSame(builder, model)
        else if ('clear' in step) {
          builder.clear()
          model.length = 0
        } else {
          model.length = Math.floor(step.truncateTo * model.length)
          builder.truncate(model.length)
        }
      }
      expectSame(builder, model)
    }),
    { numRuns: 60 },
  )
}

function expectSame(builder: Builder, model: readonly unknown[]): void {
  const vector = builder.snapshot()
  expect(builder.length).toBe(model.length)
  expect(vector.length).toBe(model.length)
  expect(valuesOf(vector)).toEqual(model)
  expect(vector.nullCount).toBe(model.filter((slot) => slot === null).length)
  expect(vector.validity?.length ?? null).toBe(vector.nullCount === 0 ? null : Math.ceil(model.length / 8))
}
