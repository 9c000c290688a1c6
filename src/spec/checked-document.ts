import { crossChecks } from './cross-checks.ts'
import { documentSchema } from './document.ts'
import { withCrossChecks } from './schema-parts.ts'

/** The whole document, with the checks that compare one key with another. */
export const checkedDocument = withCrossChecks(documentSchema, crossChecks)
