import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Guard } from './guards.ts'

const sources = join(import.meta.dirname, '../../src')

/** The program's text without the guard. Throws where the guard's text is not found exactly once: then the list of guards is out of date. */
export function sourceWithout({ name, file, text, without }: Guard, source = readFileSync(join(sources, file), 'utf8')): string {
  const found = source.split(text).length - 1
  if (found !== 1)
    throw new Error(`guard ${name}: its text stands ${found} times in src/${file}, not once; test/simulation/guards.ts is out of date`)
  return source.replace(text, () => without)
}

/** From now on the modules of this process are loaded without the guard; the file that has it must not have been loaded yet. */
export function disarm(guard: Guard): { readonly loaded: () => boolean } {
  const source = sourceWithout(guard)
  const url = pathToFileURL(join(sources, guard.file)).href
  let loaded = false
  registerHooks({
    load(of, context, nextLoad) {
      if (of !== url) return nextLoad(of, context)
      loaded = true
      return { format: 'module-typescript', source, shortCircuit: true }
    },
  })
  return { loaded: () => loaded }
}
