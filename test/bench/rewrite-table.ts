import { readFile } from 'node:fs/promises'
import { loadDocuments } from '../../src/spec/load.ts'
import { rewriteTable } from '../integration/rewritten.ts'

/** `node rewrite-table.ts DOCUMENT TABLE`: rewrites what is worth it in a table by our engine, and prints what it came to as JSON. */
const [file, table] = process.argv.slice(2)
const [document] = loadDocuments(await readFile(file, 'utf8'), file, {})
console.log(JSON.stringify(await rewriteTable(document, table, { everything: false })))
