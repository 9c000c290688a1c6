import { Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { openProgress } from '../../../src/cli/progress.ts'

/** A terminal that keeps what is written. */
function terminal(isTTY: boolean): { readonly stream: NodeJS.WriteStream; readonly text: () => string } {
  let text = ''
  const stream = new Writable({
    write(chunk: Buffer, _, done) {
      text += chunk.toString()
      done()
    },
  })
  const nothing = () => true
  const shown = { isTTY, columns: 200, cursorTo: nothing, clearLine: nothing, moveCursor: nothing }
  return { stream: Object.assign(stream, shown) as unknown as NodeJS.WriteStream, text: () => text }
}

test('long work has a bar with how far it is, its rate and the time left', async () => {
  const { stream, text } = terminal(true)
  const bar = openProgress('offsets', stream, (done) => `<${done}>`)
  await bar.update(0, 1000)
  expect(text()).toBe('')
  await sleep(600)
  await bar.update(100, 1000)
  await sleep(300)
  await bar.update(400, 1000)
  await sleep(300)
  bar.stop()
  expect(text()).toMatch(/offsets .* 40% · <400> of <1000> · <\d+> a second · \d+ s left/)
  expect(text()).toContain('10% · <100> of <1000> · ? a second · ? left')
})

test('what is first told when all of it is done has none', async () => {
  const { stream, text } = terminal(true)
  const bar = openProgress('offsets', stream, String)
  await sleep(600)
  await bar.update(1000, 1000)
  await bar.update(1000, 1000)
  bar.stop()
  expect(text()).toBe('')
})

test('where there is no terminal nothing is written', async () => {
  const { stream, text } = terminal(false)
  const bar = openProgress('offsets', stream, String)
  await sleep(600)
  await bar.update(100, 1000)
  bar.stop()
  expect(text()).toBe('')
})
