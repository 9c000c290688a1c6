import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'

const script = `
  import { abortOnSignals } from ${JSON.stringify(new URL('../../../src/cli/signals.ts', import.meta.url).href)}
  const { signal, release } = abortOnSignals(() => console.log('stopping'))
  const work = setInterval(() => {
    if (signal.aborted && process.argv[1] === 'obedient') { clearInterval(work); release() }
  }, 5)
  console.log('working')
`

async function start(manner: 'obedient' | 'stubborn') {
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, manner], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'close') as Promise<[number | null, string | null]>
  const heard = async (word: string) => {
    for (let text = ''; !text.includes(word);) text += String((await once(child.stdout, 'data'))[0])
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
