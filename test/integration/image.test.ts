import { execFile } from 'node:child_process'
import { cp, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'

const repository = join(import.meta.dirname, '../..')
/** What the README of deploy/ states, MiB. */
const mostMebibytes = 32
const run = promisify(execFile)
let root = ''
let app = ''
let instructions: readonly (readonly [name: string, rest: string])[] = []

/** The Dockerfile's instructions, without comments, with continued lines joined. */
function parse(dockerfile: string): [string, string][] {
  const lines = dockerfile.replaceAll(/\\\n\s*/g, ' ').split('\n')
  return lines
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => [line.split(' ', 1)[0], line.slice(line.indexOf(' ') + 1)])
}

/** Carries out what the build stage says, in a directory of its own. Its `npm ci` is the one that this repository has done. */
async function build(): Promise<void> {
  const stage = join(root, 'build')
  const ends = instructions.findIndex(([name], i) => i > 0 && name === 'FROM')
  for (const [name, rest] of instructions.slice(1, ends)) {
    if (name === 'WORKDIR') continue
    else if (name === 'COPY') {
      const [to, ...from] = rest.split(' ').toReversed()
      for (const path of from) await cp(join(repository, path), to === './' ? join(stage, path) : join(stage, to), { recursive: true })
    } else if (rest === 'npm ci --ignore-scripts') await symlink(join(repository, 'node_modules'), join(stage, 'node_modules'))
    else if (rest === 'bash deploy/image/assemble.sh /app') await run('bash', ['deploy/image/assemble.sh', app], { cwd: stage })
    else throw new Error(`the test does not know how to carry out ${name} ${rest}`)
  }
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'image-'))
  app = join(root, 'app')
  instructions = parse(await readFile(join(repository, 'deploy/Dockerfile'), 'utf8'))
  await build()
}, 900_000)
afterAll(() => rm(root, { recursive: true, force: true }))

/** The packages in the image, `name@version`. */
async function packages(directory = join(app, 'node_modules')): Promise<string[]> {
  const found = await readdir(directory, { recursive: true })
  const own = found.filter((path) => /(^|node_modules\/)(@[^/]+\/)?[^/@]+\/package\.json$/.test(path))
  const names = own.map(async (path) => {
    const { name, version } = JSON.parse(await readFile(join(directory, path), 'utf8')) as Record<string, string>
    return `${name}@${version}`
  })
  return [...new Set(await Promise.all(names))].sort()
}

/** Runs the program of the image with nothing of this repository around it. */
async function program(...args: string[]): Promise<string> {
  const { stdout } = await run(process.execPath, [join(app, 'dist/bin.js'), ...args], { cwd: root, env: {} })
  return stdout
}

test('the image runs what it holds and nothing else, as nobody', () => {
  const last = instructions.slice(instructions.findLastIndex(([name]) => name === 'FROM'))
  expect(last.filter(([name]) => name === 'COPY')).toEqual([['COPY', '--from=build /app /app']])
  expect(last.filter(([name]) => name === 'RUN' || name === 'ADD')).toEqual([])
  expect(last).toContainEqual(['USER', '1000:1000'])
  expect(last).toContainEqual(['ENTRYPOINT', '["node", "/app/dist/bin.js"]'])
})

test('what the build copies is what is sent to it', async () => {
  const ignore = await readFile(join(repository, 'deploy/Dockerfile.dockerignore'), 'utf8')
  const sent = ignore.split('\n').filter((line) => line.startsWith('!'))
  const copied = instructions.flatMap(([name, rest]) => (name === 'COPY' && !rest.startsWith('--from') ? rest.split(' ').slice(0, -1) : []))
  expect(sent.map((line) => line.slice(1)).sort()).toEqual(copied.sort())
})

test('the image holds the program, its production dependencies, their licences and a bill of materials', async () => {
  expect((await readdir(app)).sort()).toEqual(['LICENCES.txt', 'LICENSE', 'dist', 'node_modules', 'package.json', 'sbom.cdx.json', 'test'])
  const manifest = JSON.parse(await readFile(join(repository, 'package.json'), 'utf8')) as Record<string, Record<string, string>>
  const names = (await packages()).map((one) => one.slice(0, one.lastIndexOf('@')))
  expect(names).toEqual(expect.arrayContaining(Object.keys(manifest.dependencies)))
  expect(Object.keys(manifest.devDependencies).filter((name) => names.includes(name))).toEqual([])
  const files = await readdir(app, { recursive: true })
  expect(files.filter((path) => /\.(map|ts|tsbuildinfo)$/.test(path))).toEqual([])
})

test('the bill of materials and the licences name every package', async () => {
  const bill = JSON.parse(await readFile(join(app, 'sbom.cdx.json'), 'utf8')) as { components: { purl: string }[] }
  const listed = new Set(bill.components.map(({ purl }) => decodeURIComponent(purl).replace('pkg:npm/', '')))
  const licences = await readFile(join(app, 'LICENCES.txt'), 'utf8')
  const all = await packages()
  expect(all.length).toBeGreaterThan(30)
  expect(all.filter((name) => !listed.has(name))).toEqual([])
  expect(
    all.filter((name) => !licences.includes(`${name.slice(0, name.lastIndexOf('@'))} ${name.slice(name.lastIndexOf('@') + 1)}\n`)),
  ).toEqual([])
  expect(licences).not.toContain('Licence: see below\n\nThe package has no text')
})

test('the image is as small as is stated', async () => {
  const files = await readdir(app, { recursive: true, withFileTypes: true })
  const sizes = await Promise.all(files.filter((file) => file.isFile()).map((file) => stat(join(file.parentPath, file.name))))
  const mebibytes = sizes.reduce((sum, { size }) => sum + size, 0) / 2 ** 20
  console.log(`/app: ${mebibytes.toFixed(1)} MiB in ${sizes.length} files`)
  expect(mebibytes).toBeLessThan(mostMebibytes)
  expect(await readFile(join(repository, 'deploy/README.md'), 'utf8')).toContain(`less than ${mostMebibytes} MiB`)
})

test('the program runs there: version, validate, and real segments into tables', async () => {
  expect(await program('--version')).toMatch(/^\d+\.\d+\.\d+\n$/)
  const file = join(root, 'spec.json')
  const spec = { source: { topics: ['orders'], directory: 'segments' } }
  await writeFile(file, JSON.stringify({ apiVersion: 'kafscale.io/v1', kind: 'IcebergProcessor', metadata: { name: 'image' }, spec }))
  expect(await program('validate', '-f', file)).toContain('1 document, valid')
  expect(await program('demo')).toContain('nothing')
})
