import { expect, test } from 'vitest'
import { scanPage } from '../../../../src/drivers/store/s3-list-xml.ts'

const object =
  '<Contents><Key>a%2Fb</Key><LastModified>2026-01-02T03:04:05.678Z</LastModified><ETag>&quot;x&amp;y&quot;</ETag><Size>7</Size><StorageClass>GLACIER</StorageClass></Contents>'
const page = (inner: string) =>
  `<?xml version="1.0"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${inner}</ListBucketResult>`

test('a page is read as it was sent, in any order, with what is not looked at', () => {
  const other = '<Name>n</Name><StartAfter/><Owner><ID>1</ID><DisplayName>d</DisplayName></Owner>\n  '
  const inner = `${other}<NextContinuationToken>t&#43;&#x3D;</NextContinuationToken>${object}<IsTruncated>true</IsTruncated><CommonPrefixes><Prefix>p/</Prefix></CommonPrefixes><EncodingType>url</EncodingType>`
  expect(scanPage(page(inner))).toEqual({
    objects: [{ key: 'a%2Fb', size: 7, etag: '"x&y"', lastModifiedMs: Date.UTC(2026, 0, 2, 3, 4, 5, 678), storageClass: 'GLACIER' }],
    prefixes: ['p/'],
    encodingType: 'url',
    isTruncated: true,
    continuation: 't+=',
  })
})

test('an empty page has nothing', () => {
  expect(scanPage(page('<IsTruncated>false</IsTruncated>'))).toMatchObject({ objects: [], prefixes: [], isTruncated: false })
})

test.each([
  ['an error', '<Error><Code>SlowDown</Code></Error>'],
  ['no end', page(object).slice(0, -5)],
  ['a comment', page(`<!-- x -->${object}`)],
  ['CDATA', page(object.replace('a%2Fb', '<![CDATA[a]]>'))],
  ['an attribute within', page(object.replace('<Key>', '<Key a="b">'))],
  ['text between elements', page(`${object}text`)],
  ['no key', page(object.replace(/<Key>.*<\/Key>/, ''))],
  ['a size that is none', page(object.replace('<Size>7<', '<Size><'))],
  ['a time that is none', page(object.replace('2026-01-02T', ''))],
  ['an element that is not closed', page(object.replace('</Size>', ''))],
])('%s is left to the general parser', (_, xml) => {
  expect(scanPage(xml)).toBeNull()
})
