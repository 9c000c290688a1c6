// Writes what is generated from the document's schema: `node schemas/generate.ts`. A test fails where these files are stale.
import { readFileSync, writeFileSync } from 'node:fs'
import { documentPage, readmeWithTable, schemaText } from '../src/spec/generated.ts'

writeFileSync(new URL('iceberg-processor.schema.json', import.meta.url), schemaText())
writeFileSync(new URL('../docs/document.md', import.meta.url), documentPage())
const readme = new URL('../README.md', import.meta.url)
writeFileSync(readme, readmeWithTable(readFileSync(readme, 'utf8')))
