import { describe, expect, test } from 'vitest'
import type { VerifyOptions } from '../../../src/service/verify/verify-options.ts'
import type { ReadingPlan } from '../../../src/pipeline/verify/verification.ts'
import { commitForeign, deletionVector, equalityDeletes, liveEntries, positionDeletes } from './foreign-commit.ts'
import { valueOf, write } from './forging.ts'
import { at, batch, record } from './segments.ts'
import { verify } from './verifying.ts'
import { type World, world } from './world.ts'

/** What verifying asked for, manifest lists left out, and what it had said that it would. */
async function costs(own: World, options: Partial<VerifyOptions> = {}) {
  const spent = { get: 0, list: 0, bytes: 0 }
  let step: ReadingPlan['step'] = 'manifests'
  const { io, source } = own.seams
  const counting: World = {
    ...own,
    seams: {
      ...own.seams,
      io: {
        ...io,
        async read(uri, range) {
          const bytes = await io.read(uri, range)
          // Those of the past are read where rows are missing, and not foreseen.
          const isManifest = uri.includes('/metadata/')
          if (!uri.includes('/metadata/snap-') && !uri.endsWith('.json') && (!isManifest || step === 'manifests')) {
            spent.get++
            spent.bytes += bytes.length
          }
          return bytes
        },
      },
      source: {
        ...source,
        async get(key, asked) {
          const bytes = await source.get(key, asked)
          spent.get++
          spent.bytes += bytes.length
          return bytes
        },
        async *list(query) {
          for await (const page of source.list(query)) {
            // Topics and partitions are found for all tables at once.
            if (query.delimiter === undefined) spent.list++
            yield page
          }
        },
      },
    },
  }
  const { reading, problem } = await verify(counting, { ...options, tell: (plan) => (step = plan.step) })
  expect(problem).toBeNull()
  const { requests, bytes, manifests, segments, values } = reading!
  const said = {
    get: manifests.manifests + requests.get + segments!.segments + (values?.get ?? 0),
    list: requests.list,
    bytes: manifests.bytes + bytes + segments!.bytes + (values?.bytes ?? 0),
  }
  return { said, spent }
}

/** Both within a twentieth of one another. */
function expectNear({ said, spent }: Awaited<ReturnType<typeof costs>>): void {
  for (const what of ['get', 'list', 'bytes'] as const) {
    expect(Math.abs(said[what] - spent[what]) / spent[what], `${what}: said ${said[what]}, took ${spent[what]}`).toBeLessThanOrEqual(0.05)
  }
}

const each = [{}, { exact: true }, { values: 'all' }] as const

describe('what verify says that it will read is what it reads, within five percent', () => {
  test.each(each)('of small files: %j', async (options) => {
    const own = world()
    for (let file = 0n; file < 40n; file++) {
      await write(own, Number(file % 2n), file * 50n, 50)
      await own.runOnce()
    }
    expectNear(await costs(own, options))
  })

  test.each(each)('of files of some row groups from many segments: %j', async (options) => {
    const own = world()
    for (let file = 0; file < 2; file++) {
      for (let n = 0; n < 700; n++) {
        const start = BigInt((file * 700 + n) * 100)
        // What does not compress, so that there are row groups.
        const values = Array.from({ length: 100 }, () => record(Buffer.from(crypto.getRandomValues(new Uint8Array(60)))))
        await own.write(at, start, [batch(start, values)])
      }
      await own.clock.run(() => own.clock.sleep(60_000))
      await own.runOnce((document) => (document.spec.processing = { memoryLimitBytes: 128 * 1024 * 1024, parallelism: 4 }))
    }
    expectNear(await costs(own, options))
  })

  test.each(each)('where rows are deleted in every way: %j', async (options) => {
    const own = world()
    for (let file = 0n; file < 5n; file++) {
      await write(own, 0, file * 10_000n, 10_000)
      await own.runOnce()
    }
    const files = (await liveEntries(own, at.topic)).map(({ dataFile }) => dataFile)
    const some = Array.from({ length: 2000 }, (_, i) => i)
    await commitForeign(own, at.topic, { deletes: [await positionDeletes(own, files[0].filePath, some)] })
    const equal = some.map((i) => [Buffer.from(valueOf(BigInt(i * 20)))])
    await commitForeign(own, at.topic, { deletes: [await equalityDeletes(own, at.topic, ['value'], equal)] })
    const vector = await deletionVector(own, files[1].filePath, some)
    await commitForeign(own, at.topic, { deletes: [vector], formatVersion: 3 })
    expectNear(await costs(own, options))
  })
})
