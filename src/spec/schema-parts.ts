import { z } from 'zod'
import { FormError } from './scanner.ts'
import { Secret } from './secret.ts'
import { enumerated } from './wording.ts'

/*
 * The parts that a document's schema is made of. An issue's message is never a whole sentence: it is what was expected, and
 * `issues.ts` joins it with what was found. `.meta({ description, later, instead, restart })` goes last: what a key is, whether it can be
 * used yet (`later: true`: it must stand at its default; a list: these values must not be chosen), what to do instead, and whether a
 * change of it needs a restart.
 */

/** What a schema gives. */
export type Parsed<S extends z.ZodType> = z.output<S>
export type Issue = z.core.$ZodIssue

/** A mapping with these keys and no other. */
export function object<T extends z.core.$ZodLooseShape>(shape: T) {
  return z.strictObject(shape, { error: (issue) => (issue.code === 'invalid_type' ? 'a mapping' : undefined) })
}

/** A mapping from keys that the user names. */
export function mapOf<V extends z.ZodType>(value: V, expected: string) {
  return z.record(z.string(), value, { error: expected })
}

export function list<T extends z.ZodType>(item: T, expected: string) {
  return z.array(item, { error: expected })
}

/** A list with at least one item. */
export function nonEmptyList<T extends z.ZodType>(item: T, expected: string) {
  return z.array(item, { error: expected }).min(1, { error: expected })
}

/** A string that is not empty. */
export function text(expected = 'a string') {
  return z.string({ error: expected }).min(1, { error: expected })
}

/** Any string, the empty one too. */
export function anyText() {
  return z.string({ error: 'a string' })
}

/** A string that `parse` takes; it throws a FormError with the detail that `expected` lacks. */
export function parsed<T>(expected: string, parse: (text: string) => T) {
  return z.string({ error: expected }).transform((found, context): T => {
    try {
      return parse(found)
    } catch (error) {
      if (!(error instanceof FormError)) throw error
      context.issues.push({ code: 'custom', message: expected, params: { detail: error.message }, input: found })
      return z.NEVER
    }
  })
}

export function wholeNumber(low: number, high = Number.MAX_SAFE_INTEGER) {
  const error = high === Number.MAX_SAFE_INTEGER ? `a whole number of at least ${low}` : `a whole number from ${low} to ${high}`
  // Not zod's own check for integers: its issue would keep the cross-checks from running.
  return z
    .number({ error })
    .refine((number) => Number.isSafeInteger(number) && number >= low && number <= high, { error })
    .meta({ type: 'integer', minimum: low, maximum: high })
}

/** A number above 0; with `orZero`, 0 too. */
export function positive({ orZero = false, high }: { orZero?: boolean; high: number }) {
  const error = orZero ? `a number from 0 to ${high}` : `a number above 0, up to ${high}`
  const number = z.number({ error }).max(high, { error })
  return orZero ? number.min(0, { error }) : number.gt(0, { error })
}

export function flag() {
  return z.boolean({ error: 'true or false' })
}

/** One of these words. */
export function choice<const T extends readonly [string, ...string[]]>(words: T) {
  return z.enum(words, { error: enumerated(words, 'or') })
}

/** One of these numbers. */
export function numberChoice<const T extends readonly [number, ...number[]]>(numbers: T) {
  return z.literal([...numbers], { error: enumerated(numbers, 'or') }) as unknown as z.ZodType<T[number], T[number]>
}

/** A string, number or boolean, which becomes its text: what YAML makes of `key: 100` is meant as text here. */
export function scalarText() {
  return z.union([z.string(), z.number(), z.boolean()], { error: 'a string' }).transform(String)
}

/** A string that nothing may show, or the file that holds it. `check` throws a FormError whose message does not quote. */
export function secret(check?: (text: string) => void) {
  const file = z.strictObject({
    file: text('the path of a file').meta({ description: 'A file that holds the secret; read again when it changes.' }),
  })
  return z
    .union([text(), file], { error: 'a string, or {file: path}' })
    .transform((found, context): Secret => {
      try {
        if (typeof found === 'string') check?.(found)
      } catch (error) {
        if (!(error instanceof FormError)) throw error
        context.issues.push({ code: 'custom', message: error.message, input: undefined })
      }
      return new Secret(found)
    })
    .meta({ writeOnly: true })
}

/** What a schema takes, as a JSON Schema (draft 7) with the keys of `meta` in it. */
export function toJsonSchema(schema: z.ZodType): object {
  return z.toJSONSchema(schema, { target: 'draft-07', io: 'input' })
}

/** Whether nothing is wrong at these places: neither above nor beneath them. */
export type Clean = (...places: readonly (readonly (string | number)[])[]) => boolean

export type CrossCheck<T> = (
  document: T,
  clean: Clean,
) => Iterable<{ readonly path: readonly (string | number)[]; readonly message: string }>

/**
 * Adds checks that compare one key with another. They run even where something is wrong elsewhere, so that all problems
 * are found at once; therefore each must ask `clean` before it looks at what a key of the document holds.
 */
export function withCrossChecks<S extends z.ZodType>(schema: S, checks: readonly CrossCheck<z.output<S>>[]) {
  return schema.superRefine(
    (document, context) => {
      const wrong = context.issues.filter((issue) => issue.code !== 'unrecognized_keys').map((issue) => issue.path ?? [])
      const clean: Clean = (...places) =>
        !wrong.some((path) => places.some((place) => place.every((step, index) => index >= path.length || step === path[index])))
      if (wrong.some((path) => path.length === 0)) return
      for (const check of checks) {
        for (const { path, message } of check(document, clean)) {
          context.issues.push({ code: 'custom', message, path: [...path], params: { whole: true }, input: undefined })
        }
      }
    },
    { when: () => true },
  )
}
