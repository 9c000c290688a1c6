// Prints name, version, licence and licence text of each package under a node_modules: `node licences.ts node_modules`.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A package's own directory: `node_modules/name` or `node_modules/@scope/name`, also within other packages. */
function* packagesIn(modules: string): Generator<string> {
  for (const entry of readdirSync(modules, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (!entry.isDirectory() || entry.name.startsWith('.')) continue
    const path = join(modules, entry.name)
    if (entry.name.startsWith('@')) yield* packagesIn(path)
    else if (existsSync(join(path, 'package.json'))) {
      yield path
      if (existsSync(join(path, 'node_modules'))) yield* packagesIn(join(path, 'node_modules'))
    }
  }
}

function describe(path: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8')) as Record<string, string>
  const texts = readdirSync(path).filter((file) => /^(licen[cs]e|notice|copying)/i.test(file))
  const body = texts.map((file) => readFileSync(join(path, file), 'utf8').trim()).join('\n\n')
  return `${name} ${version}\nLicence: ${license ?? 'see below'}\n\n${body === '' ? 'The package has no text of its licence.' : body}\n`
}

const packages = [...packagesIn(process.argv[2])]
if (packages.length === 0) throw new Error(`${process.argv[2]}: no package was found`)
process.stdout.write(packages.map(describe).join(`\n${'-'.repeat(80)}\n\n`))
