import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'

const script = `
  import { abortOnSignals } from ${JSON.stringify(new URL('../../../src/cli/signals.ts', import.meta.url).href)}
  const grace = { ms: Number(process.argv[2] ?? 60_000), onOver: () => console.log('over') }
  const { signal, hurry, release } = abortOnSignals(() => console.log('stopping'), grace)
  hurry.addEventListener('abort', () => console.log('hurry'))
  const work = setInterval(() => {
    if (signal.aborted && process.argv[1] === 'obedient') { clearInterval(work); release() }
  }, 5)
  console.log('working')
`

async function start(manner: 'obedient' | 'stubborn', ...more: string[]) {
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, manner, ...more], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'close') as Promise<[number | null, string | null]>
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const heard = async (word: string) => {
    while (!said.includes(word)) await once(child.stdout, 'data')
  }
  await heard('working')
  return { child, ended, heard }
}

test('the first signal lets work end by itself', async () => {
  const { child, ended } = await start('obedient')
  child.kill('SIGTERM')
  expect(await ended).toEqual([0, null])
})

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('a second signal, %s, ends the process at once with %i', async (second, code) => {
  const { child, ended, heard } = await start('stubborn')
  child.kill('SIGINT')
  await heard('stopping')
  child.kill(second)
  expect(await ended).toEqual([code, null])
})

test('the end of the grace ends the process with 1, after what is left was hurried', async () => {
  const { child, ended, heard } = await start('stubborn', '400')
  const startedMs = performance.now()
  child.kill('SIGTERM')
  await heard('hurry')
  await heard('over')
  expect(await ended).toEqual([1, null])
  expect(performance.now() - startedMs).toBeGreaterThan(390)
})
