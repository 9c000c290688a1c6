import { openSqliteCatalog } from '../../../src/drivers/catalog/sqlite.ts'
import type { ProcessorDocument } from '../../../src/spec/document.ts'
import type { TopicPartition } from '../../../src/model/topic-partition.ts'
import { load, type Plain, smallest } from '../spec/documents.ts'
import { batch } from './segments.ts'
import { namespace, sourceId, type World, world } from './world.ts'

/** A table by Kafka partition, and how many requests are made to the store that it is in. */
export interface Counted {
  readonly made: World
  readonly document: ProcessorDocument
  readonly source: { readonly id: string; readonly prefix: string }
  readonly seams: World['seams']
  /** Requests since the last call. */
  taken(): { readonly lists: number; readonly gets: number; readonly puts: number; readonly deletes: number }
}

/** A table of six commits, in a catalog that is a server, so that its metadata costs no request, or a file. */
export async function countedTable(kind: 'a server' | 'a file', change: (document: Plain) => void = () => {}): Promise<Counted> {
  const made = world()
  const none = { lists: 0, gets: 0, puts: 0, deletes: 0 }
  const asked = { ...none }
  const io: World['io'] = {
    read: (uri, range) => (asked.gets++, made.io.read(uri, range)),
    write: (uri, chunks) => (asked.puts++, made.io.write(uri, chunks)),
    remove: (uri) => (asked.deletes++, made.io.remove(uri)),
    async *list(directory) {
      for await (const page of made.io.list(directory)) {
        asked.lists++
        yield page
      }
    },
  }
  const files = {
    readFile: (uri: string) => io.read(uri),
    writeFile: async (uri: string, bytes: Uint8Array) => void (await io.write(uri, [bytes])),
  }
  const { clock, entropy } = made.seams
  const catalog =
    kind === 'a file' ? await openSqliteCatalog({ path: ':memory:', warehouse: 's3://warehouse', files, clock, entropy }) : made.catalog
  const whole = (plain: Plain) => {
    plain.spec.source.topics = ['*']
    plain.spec.sink = { database: namespace[0] }
    plain.spec.mappings = [{ topic: '*', value: { format: 'binary' }, partitionBy: ['kafka_partition'] }]
    change(plain)
  }
  const leftAlone = (plain: Plain) => (whole(plain), (plain.spec.maintenance = { expiry: { enabled: false } }))
  for (let i = 0n; i < 6n; i++) {
    const at: TopicPartition = { topic: 'orders', partition: Number(i) % 3 }
    await made.write(at, i, [batch(i, 1)])
    await made.clock.run(() => made.processor(leftAlone, { catalog, io }).run(true, new AbortController().signal))
    await made.clock.advanceBy(1000)
  }
  return {
    made,
    document: load(smallest(whole)),
    source: { id: sourceId, prefix: 'p/' },
    seams: { ...made.seams, catalog, io },
    taken() {
      const took = { ...asked }
      Object.assign(asked, none)
      return took
    },
  }
}
