import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { addSegment, documentOf, documentText, type Place, runOnce } from './program.ts'

const bin = join(import.meta.dirname, '../../src/bin.js')
/** The topic, and its table. */
const topic = 'greetings'

/** Fills a table with a record whose key is `grüezi` and whose value is `wohl`, and gives the texts that `connect` prints for it. */
export async function pasted(engine: string, place: Place, database: string): Promise<string[]> {
  const directory = await mkdtemp(join(tmpdir(), 'pasted-'))
  try {
    const source = join(directory, 'source')
    await addSegment(source, { topic, partition: 0 }, 0n, [{ key: Buffer.from('grüezi'), value: Buffer.from('wohl') }])
    const parts = { place, source: { directory: source }, database }
    const { ok, errors } = await runOnce(documentOf(parts))
    if (!ok) throw new Error(errors)
    const file = join(directory, 'document.json')
    await writeFile(file, documentText(parts))
    const { stdout } = await promisify(execFile)(process.execPath, [bin, 'connect', engine, '-f', file, topic, '--json'])
    return (JSON.parse(stdout) as { documents: { blocks: { text: string }[] }[] }).documents[0].blocks.map(({ text }) => text)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}
