import { sourceIdentity } from '../compose.ts'
import { grantingCatalog } from '../drivers/catalog/granting.ts'
import { systemClock } from '../drivers/clock/system.ts'
import { systemEntropy } from '../drivers/entropy/system.ts'
import { grantedFiles } from '../drivers/io/granted-files.ts'
import { uriFiles } from '../drivers/io/uri-files.ts'
import { countingMeter } from '../drivers/meter/counting.ts'
import { askEtcd } from '../drivers/watermarks/etcd-ask.ts'
import { redactor } from '../model/redaction.ts'
import type { Check } from '../pipeline/doctor/check.ts'
import { watchedFiles } from '../pipeline/doctor/watched-files.ts'
import { type DoctorOptions, type DoctorTools, examineDocument } from '../service/doctor/doctor.ts'
import type { Journal } from '../seams/journal.ts'
import { listen } from '../serve/server.ts'
import type { ProcessorDocument } from '../spec/document.ts'
import { secretsIn } from '../spec/secret.ts'
import { isMissingFile, openCatalog } from './catalogs.ts'
import { redisSettings } from './fleet.ts'
import { openGrantedStore, openSourceStore, openWarehouseStore, type StoreSeams } from './stores.ts'

/** Checks everything that a document names, and tells each line without the document's secrets. */
export async function examine(document: ProcessorDocument, options: DoctorOptions): Promise<void> {
  const clean = (text: string): string => redactor(secretsIn(document.spec).flatMap(({ secret }) => secret.known))(text)
  const tell = ({ found, advice, ...check }: Check): void => options.tell({ ...check, found: clean(found), advice: advice.map(clean) })
  await examineDocument(document, sourceIdentity(document), toolsFor(document, options.readOnly), { ...options, tell })
}

function toolsFor(document: ProcessorDocument, readOnly: boolean): DoctorTools {
  const { source, queue, metrics } = document.spec
  const { etcd } = source
  const address = metrics?.address
  const stores: StoreSeams = { clock: systemClock, entropy: systemEntropy(systemClock), meter: countingMeter() }
  return {
    clock: systemClock,
    openSource: () => openSourceStore(document, stores),
    openSink: () => openSink(document, stores, readOnly),
    ...(queue !== undefined && {
      // Its client is a large part of all code.
      askQueue: async () => (await import('../drivers/queue/redis-ask.ts')).askRedis(redisSettings(queue), systemClock),
    }),
    ...(etcd !== undefined && {
      askEtcd: async () => {
        const { username: name, password } = etcd
        return askEtcd(etcd.endpoints, name === undefined || password === undefined ? null : { name, password: password.reveal() })
      },
    }),
    ...(address !== undefined && {
      metrics: {
        address,
        async listen() {
          const listening = await listen(address, {})
          await listening.close()
        },
      },
    }),
  }
}

/** Catalog and files as a run has them, with a memory of what was written. */
async function openSink(document: ProcessorDocument, stores: StoreSeams, readOnly: boolean) {
  const files = grantedFiles(
    uriFiles((bucket) => openWarehouseStore(document, bucket, stores)),
    (access) => uriFiles((bucket) => openGrantedStore(document, bucket, access, stores)),
    systemClock,
  )
  const io = watchedFiles(files)
  const catalog = grantingCatalog(await openCatalog(document, io, readOnly), files.grant)
  return {
    ...stores,
    catalog,
    io,
    journal: silentJournal,
    isMissing: readOnly && isMissingFile(document.spec.sink.catalog),
    async close() {
      await catalog.close()
      await files.close()
    },
  }
}

const silentJournal: Journal = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
