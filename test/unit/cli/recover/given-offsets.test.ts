import { expect, test } from 'vitest'
import { readGivenOffsets } from '../../../../src/cli/recover/given-offsets.ts'

const plain = (text: string) =>
  [...readGivenOffsets('given', text)].flatMap(([topic, partitions]) => [...partitions].map(([id, offset]) => `${topic}/${id}:${offset}`))

const description = (member: string) => `
Consumer group 'connect-sink' has no active members.

GROUP           TOPIC           PARTITION  CURRENT-OFFSET  LOG-END-OFFSET  LAG             CONSUMER-ID     HOST            CLIENT-ID
connect-sink    orders          0          1500            1510            10              ${member}               -               -
connect-sink    orders          1          -               0               -               ${member}               -               -
connect-sink    a.b-c_d         12         9007199254740993 9007199254740993 0             ${member}               -               -
`

test.each([
  ['what kafka-consumer-groups describes', description('-'), ['orders/0:1500', 'orders/1:0', 'a.b-c_d/12:9007199254740993']],
  ['lines', 'orders,0,15\norders,1,0\r\n\n"clicks",0,7', ['orders/0:15', 'orders/1:0', 'clicks/0:7']],
  ['lines with a title', 'topic,partition,offset\norders,0,15\n', ['orders/0:15']],
  [
    'JSON',
    '[{"topic": "orders", "partition": 0, "offset": 15}, {"topic": "b", "partition": 1, "offset": "16"}]',
    ['orders/0:15', 'b/1:16'],
  ],
])('%s', (_, text, expected) => expect(plain(text)).toEqual(expected))

test.each([
  ['', 'given: expected an offset of at least one topic-partition, found none'],
  [description('sink-0-7c1f'), 'given:5: the group still has members: stop what reads in it, and describe it again'],
  ['orders,0', 'given:1: expected topic,partition,offset, found 2 fields'],
  ['orders,0,5\norders,0,6', 'given:2: orders/0 has an offset already'],
  ['orders,0,-1', 'given:1: expected an offset, 0 or more, found "-1"'],
  ['orders,x,1', 'given:1: expected a partition\'s number, found "x"'],
  [',0,1', 'given:1: expected a topic, found nothing'],
  ['[{"topic": "a", "partition": 0, "offset": 1.5}]', 'given:1: expected an offset, 0 or more, found ""'],
  ['[{"topic": "a", "partition": 0, "offset": 9007199254740993}]', 'given:1: expected an offset, 0 or more, found ""'],
  ['[null]', 'given:1: expected a topic, found nothing'],
  ['[', /^given:1: expected a JSON list: /],
])('what is no offset is refused, with its line: %j', (text, message) => {
  expect(() => plain(text)).toThrow(message)
})
