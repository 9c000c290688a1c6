import { systemClock } from '../drivers/clock/system.ts'
import { readEtcdOffsets } from '../drivers/watermarks/etcd-offsets.ts'
import { openEtcdWatermarks } from '../drivers/watermarks/etcd.ts'
import { DocumentError } from '../model/failure.ts'
import type { PassedOffsets } from '../service/recover/assume-from-rows.ts'
import type { HighWatermarks } from '../seams/high-watermarks.ts'
import type { Journal } from '../seams/journal.ts'
import type { ProcessorDocument } from '../spec/document.ts'

/** The watermarks that a document names; undefined where it names none. An etcd that does not answer is said, and is no error. */
export async function openWatermarks({ spec }: ProcessorDocument, journal: Journal): Promise<HighWatermarks | undefined> {
  const { etcd } = spec.source
  if (etcd === undefined) return undefined
  return openEtcdWatermarks({ endpoints: etcd.endpoints, user: () => userOf(etcd), clock: systemClock, journal })
}

/** What KafScale's Go processor says under this prefix that it was done with. Throws a WorkError where etcd does not tell. */
export async function passedOffsets({ spec }: ProcessorDocument, prefix: string): Promise<PassedOffsets> {
  const { etcd } = spec.source
  if (etcd === undefined) throw new DocumentError('expected spec.source.etcd, where the offsets are')
  return readEtcdOffsets(etcd.endpoints, userOf(etcd), prefix)
}

function userOf({ username, password }: NonNullable<ProcessorDocument['spec']['source']['etcd']>) {
  return username === undefined || password === undefined ? null : { name: username, password: password.reveal() }
}
