import type { TableVerification } from '../../../src/pipeline/verify/verification.ts'
import type { VerifyOptions } from '../../../src/service/verify/verify-options.ts'
import { verifyDocument } from '../../../src/service/verify/verifier.ts'
import { everything } from '../../../src/pipeline/verify/scope.ts'
import { load, type Plain, smallest } from '../spec/documents.ts'
import { namespace, sourceId, type World } from './world.ts'

/** Verifies the one table of the world. */
export async function verify(
  own: World,
  options: Partial<VerifyOptions> = {},
  change?: (document: Plain) => void,
): Promise<TableVerification> {
  const document = load(
    smallest((plain) => {
      plain.spec.source.topics = ['*']
      plain.spec.sink = { database: namespace[0] }
      plain.spec.mappings = [{ topic: '*', value: { format: 'binary' } }]
      change?.(plain)
    }),
  )
  const quiet = { table: null, tell: () => undefined, progress: () => undefined }
  const asked = { exact: false, accept: null, retract: null, values: null, scope: everything, ...quiet, ...options }
  const { tables } = await own.clock.run(() => verifyDocument(document, { id: sourceId, prefix: 'p/' }, own.seams, asked))
  return tables[0]
}
