import { systemClock } from '../drivers/clock/system.ts'
import { openEtcdWatermarks } from '../drivers/watermarks/etcd.ts'
import type { HighWatermarks } from '../seams/high-watermarks.ts'
import type { Journal } from '../seams/journal.ts'
import type { ProcessorDocument } from '../spec/document.ts'

/** The watermarks that a document names; undefined where it names none. An etcd that does not answer is said, and is no error. */
export async function openWatermarks({ spec }: ProcessorDocument, journal: Journal): Promise<HighWatermarks | undefined> {
  const { etcd } = spec.source
  if (etcd === undefined) return undefined
  const { endpoints, username, password } = etcd
  const user = () => (username === undefined || password === undefined ? null : { name: username, password: password.reveal() })
  return openEtcdWatermarks({ endpoints, user, clock: systemClock, journal })
}
