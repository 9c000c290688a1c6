import { type BadInput } from './case.ts'
import { argumentCases, documentCases } from './documents.ts'
import { indexCases, segmentCases } from './segments.ts'
import { catalogCases, storeCases, tableCases } from './tables.ts'

/** Every case, in the order of the table in docs/bad-inputs.md. */
export const badInputs: readonly BadInput[] = [
  ...documentCases,
  ...argumentCases,
  ...segmentCases,
  ...indexCases,
  ...tableCases,
  ...catalogCases,
  ...storeCases,
]
