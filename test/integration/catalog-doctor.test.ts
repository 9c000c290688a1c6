import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { polarisPlace, unityPlace } from './catalogs/places.ts'
import { polarisProxy } from './catalogs/polaris.ts'
import type { Vend } from './catalogs/policy-proxy.ts'
import { startVendingWorld, type VendingWorld } from './catalogs/servers.ts'
import { unityProxy } from './catalogs/unity.ts'
import { addSegment, documentText, type Place } from './program.ts'

const bin = join(import.meta.dirname, '../../src/bin.js')
let world: VendingWorld
let directory: string
beforeAll(async () => {
  world = await startVendingWorld()
  directory = await mkdtemp(join(tmpdir(), 'catalog-doctor-'))
  await addSegment(join(directory, 'source'), { topic: 'orders', partition: 0 }, 0n, [{ value: Buffer.from('{}') }])
}, 30 * 60_000)
afterAll(async () => {
  await world?.stop()
  await rm(directory, { recursive: true, force: true })
})

const products = [
  { name: 'polaris', start: polarisProxy, placeOf: polarisPlace },
  { name: 'unity', start: unityProxy, placeOf: unityPlace },
] as const

/** `check result` of each line that the command says of a place. */
async function examined(name: string, place: Place): Promise<string[]> {
  const file = join(directory, `${name}.json`)
  await writeFile(file, documentText({ place, source: { directory: join(directory, 'source') }, database: `doctor_${name}` }))
  const out = await new Promise<string>((resolve) =>
    execFile(process.execPath, [bin, 'doctor', '-f', file, '--json'], (_, stdout) => resolve(stdout)),
  )
  const { documents } = JSON.parse(out) as { documents: { checks: { check: string; result: string }[] }[] }
  return documents[0].checks.map(({ check, result }) => `${check} ${result}`)
}

test.each(products)(
  'doctor tries the keys that $name gives for its probe table, and says where they open another place',
  async (product) => {
    const { vend } = await world.vendor({ lifeMs: 3_600_000 })
    const under = async (given: Vend, name: string) => {
      const proxy = await product.start(world.restCatalogUri, { vend: given })
      try {
        return await examined(name, product.placeOf(world, proxy.endpoint))
      } finally {
        await proxy.close()
      }
    }
    const probe = ['create', 'write', 'read', 'commit', 'load', 'drop'].map((check) => `${check} ok`)
    expect(await under(vend, product.name)).toEqual(expect.arrayContaining(['catalog ok', 'names ok', 'namespace ok', ...probe]))
    const elsewhere = await vend(`s3://${world.bucket}/warehouse/somebody-else/table`)
    const wrong = await under(async () => elsewhere, `${product.name}_wrong`)
    expect(wrong).toEqual(expect.arrayContaining(['create ok', 'write failed', 'drop ok']))
  },
)
