import { isBuiltin } from 'node:module'
import { dirname, join } from 'node:path/posix'
import { importsOf } from './imports.ts'

/** Files by their path from the repository's root, with slashes. */
export type Sources = ReadonlyMap<string, string>

/** Which rooms a room may import besides itself. A room not named here may import nothing but itself. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  model: [],
  formats: ['model'],
  seams: ['model', 'formats'],
  spec: ['model', 'formats'],
  pipeline: ['model', 'formats', 'seams', 'spec'],
  service: ['model', 'formats', 'seams', 'spec', 'pipeline'],
  drivers: ['model', 'formats', 'seams'],
  serve: ['model', 'formats', 'seams', 'spec'],
  k8s: ['model', 'formats', 'seams', 'spec'],
  broker: ['model', 'formats', 'seams', 'spec'],
  cli: ['model', 'formats', 'seams', 'spec', 'pipeline', 'service', 'serve', 'k8s', 'broker', 'compose'],
  compose: ['model', 'formats', 'seams', 'spec', 'pipeline', 'service', 'serve', 'k8s', 'broker', 'drivers'],
  main: ['cli', 'compose'],
}

/** Drivers that the other drivers share. */
const sharedDrivers = ['http', 'aws']

/** The types of the road, which every stage may read. */
const road = 'src/pipeline/flow.ts'

/** What breaks the rules of rooms and doors in `sources`, one sentence each. Looks at files under src/ alone. */
export function roomViolations(sources: Sources): string[] {
  const paths = [...sources.keys()].filter((path) => path.startsWith('src/')).toSorted()
  if (paths.length === 0) return ['no file under src/ was read']
  const violations: string[] = []
  const imports = new Map(paths.map((path) => [path, importsOf(path, sources.get(path) ?? '').specifiers]))
  if (paths.length > 5 && [...imports.values()].every((specifiers) => specifiers.length === 0))
    violations.push('no import was found in any file')

  const composed = new Set(paths.filter((path) => roomOf(path) === 'compose').flatMap((path) => targets(path, imports.get(path) ?? [])))
  const doors = new Map<string, Set<string>>()
  for (const [path, specifiers] of imports) {
    for (const specifier of specifiers) {
      if (isBuiltin(specifier)) continue
      if (!specifier.startsWith('.')) {
        const name = packageOf(specifier)
        doors.set(name, (doors.get(name) ?? new Set()).add(path))
        if (roomOf(path) === 'model') violations.push(`${path} imports ${specifier}: the model imports nothing`)
        continue
      }
      const target = join(dirname(path), specifier)
      if (!sources.has(target)) violations.push(`${path} imports ${specifier}: there is no ${target}`)
      else {
        const why = refusal(path, target, composed)
        if (why) violations.push(`${path} imports ${target}: ${why}`)
      }
    }
  }
  const circle = circleIn(new Map([...imports].map(([path, specifiers]) => [path, targets(path, specifiers)])))
  if (circle !== undefined) violations.push(`files import each other in a circle: ${circle.join(' → ')}`)
  for (const [name, files] of doors) {
    if (files.size > 1) violations.push(`the package ${name} has more than one door: ${[...files].join(', ')}`)
  }
  return violations
}

/** The first circle of imports, from a file back to it; undefined where there is none. */
function circleIn(imports: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const done = new Set<string>()
  const follow = (path: string, way: readonly string[]): string[] | undefined => {
    if (way.includes(path)) return [...way.slice(way.indexOf(path)), path]
    if (done.has(path)) return undefined
    for (const target of imports.get(path) ?? []) {
      const circle = follow(target, [...way, path])
      if (circle !== undefined) return circle
    }
    done.add(path)
    return undefined
  }
  for (const path of imports.keys()) {
    const circle = follow(path, [])
    if (circle !== undefined) return circle
  }
  return undefined
}

/** Why one file may not import another; undefined where it may. `composed`: the files that the composition root imports. */
function refusal(path: string, target: string, composed: ReadonlySet<string>): string | undefined {
  const [from, to] = [roomOf(path), roomOf(target)]
  if (to === 'main') return from === 'bin.js' ? undefined : 'nobody imports the root'
  if (from !== to) {
    if ((mayImport[from] ?? []).includes(to)) return undefined
    if (to === 'compose') return 'only main and cli import the composition root'
    if (to === 'drivers') return 'only the composition root knows which driver is which'
    return `${from} may not import ${to}`
  }
  const [fromPart, toPart] = [partOf(path), partOf(target)]
  if (from === 'pipeline' && fromPart !== toPart && target !== road) return 'only src/service joins stages'
  if (from === 'drivers' && !sharedDrivers.includes(toPart ?? '')) {
    if (fromPart !== toPart || (composed.has(target) && path !== target)) return 'a driver never imports another driver'
  }
  return undefined
}

/** The folder or file directly under src/ that a path lies in, without its ending. */
function roomOf(path: string): string {
  return path.split('/')[1].replace(/\.ts$/, '')
}

/** The folder under the room that a path lies in; undefined for a file directly in the room. */
function partOf(path: string): string | undefined {
  const parts = path.split('/')
  return parts.length > 3 ? parts[2] : undefined
}

function targets(path: string, specifiers: readonly string[]): string[] {
  return specifiers.filter((specifier) => specifier.startsWith('.')).map((specifier) => join(dirname(path), specifier))
}

/** The npm package of a bare specifier. */
function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}
