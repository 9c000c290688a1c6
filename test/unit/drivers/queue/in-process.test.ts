import { expect, test } from 'vitest'
import { inProcessQueue } from '../../../../src/drivers/queue/in-process.ts'
import { WorkError } from '../../../../src/model/failure.ts'
import { TaskSetAside } from '../../../../src/seams/task-queue.ts'

const never = new AbortController().signal

test('tasks are claimed first in, first out, and what a worker makes of one is the answer', async () => {
  const queue = inProcessQueue<string, string>()
  const answers = [queue.submit('a', 'task a'), queue.submit('b', 'task b')]
  expect(queue.depth).toBe(2)
  for (const id of ['a', 'b']) {
    const claim = (await queue.claim(never))!
    expect(claim).toMatchObject({ id, payload: `task ${id}` })
    claim.complete(`done ${id}`)
  }
  expect(await Promise.all(answers)).toEqual(['done a', 'done b'])
  expect(queue.depth).toBe(0)
})

test('a failure is the answer as well', async () => {
  const queue = inProcessQueue<string, string>()
  const answer = queue.submit('a', 'x')
  ;(await queue.claim(never))!.fail(new WorkError('broken', { retry: 'later' }))
  await expect(answer).rejects.toThrow('broken')
})

test('a task that fails unexpectedly is handed out again, behind what waits, and is set aside in the end', async () => {
  const queue = inProcessQueue<string, string>()
  const answer = queue.submit('a', 'x')
  void queue.submit('b', 'y')
  const order: string[] = []
  for (let claims = 0; claims < 4; claims++) {
    const claim = (await queue.claim(never))!
    order.push(claim.id)
    if (claim.id === 'a') claim.fail(new TypeError('a bug'))
  }
  expect(order).toEqual(['a', 'b', 'a', 'a'])
  await expect(answer).rejects.toThrow(TaskSetAside)
  await expect(answer).rejects.toThrow('set aside after 3 tries: TypeError: a bug')
})

test('of the tasks that wait, the one with the lowest priority comes first', async () => {
  const queue = inProcessQueue<string, string>()
  for (const [id, priority] of [
    ['a', 2],
    ['b', 1],
    ['c', 2],
    ['d', 0],
    ['e', 1],
  ] as const)
    void queue.submit(id, '', priority)
  const order: string[] = []
  while (queue.depth > 0) order.push((await queue.claim(never))!.id)
  expect(order).toEqual(['d', 'b', 'e', 'a', 'c'])
})

test('whoever waits gets the next task, in the order of waiting', async () => {
  const queue = inProcessQueue<string, number>()
  const claims = [queue.claim(never), queue.claim(never)]
  void queue.submit('a', 'first')
  void queue.submit('b', 'second')
  expect((await Promise.all(claims)).map((claim) => claim?.payload)).toEqual(['first', 'second'])
})

test('an id that is open is the same task, and is new when it was answered', async () => {
  const queue = inProcessQueue<string, number>()
  const answers = [queue.submit('a', 'x'), queue.submit('a', 'x')]
  expect(queue.depth).toBe(1)
  ;(await queue.claim(never))!.complete(1)
  expect(await Promise.all(answers)).toEqual([1, 1])
  void queue.submit('a', 'x')
  expect(queue.depth).toBe(1)
})

test('a task that nobody has claimed can be taken back, any other not', async () => {
  const queue = inProcessQueue<string, number>()
  void queue.submit('a', 'x')
  void queue.submit('b', 'y')
  await queue.claim(never)
  const taken = []
  for (const id of ['a', 'b', 'b', 'c']) taken.push(await queue.withdraw(id))
  expect(taken).toEqual([false, true, false, false])
  expect(queue.depth).toBe(0)
})

test('a claim ends without a task when it is aborted, before or while it waits', async () => {
  const queue = inProcessQueue<string, number>()
  const stop = new AbortController()
  const waiting = queue.claim(stop.signal)
  stop.abort()
  expect([await waiting, await queue.claim(stop.signal)]).toEqual([null, null])
  void queue.submit('a', 'x')
  expect(queue.depth).toBe(1)
})

test('a claim that is aborted in the moment it gets a task takes it, and no other waiter is forgotten', async () => {
  const queue = inProcessQueue<string, number>()
  const stop = new AbortController()
  const first = queue.claim(stop.signal)
  const second = queue.claim(never)
  void queue.submit('a', 'for the first')
  stop.abort()
  void queue.submit('b', 'for the second')
  expect((await first)?.payload).toBe('for the first')
  expect((await second)?.payload).toBe('for the second')
})

test('a task that nobody accepts stays for who does, and keeps nobody from those behind it', async () => {
  const queue = inProcessQueue<string, string>()
  const small = (payload: string) => payload !== 'large'
  const waiting = queue.claim(never, small)
  void queue.submit('a', 'large', 1)
  void queue.submit('b', 'small', 2)
  void queue.submit('c', 'small', 3)
  expect((await waiting)!.id).toBe('b')
  expect((await queue.claim(never, small))!.id).toBe('c')
  expect(queue.depth).toBe(1)
  const [picky, other] = [queue.claim(never, small), queue.claim(never)]
  void queue.submit('d', 'large')
  expect([(await other)!.id, queue.depth]).toEqual(['a', 1])
  void queue.submit('e', 'small')
  expect((await picky)!.id).toBe('e')
})
