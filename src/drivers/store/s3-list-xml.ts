/*
 * What ListObjectsV2 answers (https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html), as far as it is looked at:
 *
 *   <ListBucketResult> { <IsTruncated> <NextContinuationToken> <EncodingType> <Contents>* <CommonPrefixes>* … in any order }
 *   <Contents>         { <Key> <Size> <ETag> <LastModified> <StorageClass> … in any order }
 *   <CommonPrefixes>   { <Prefix> }
 *
 * Half of what planning a large partition costs would be a general parser's time on these.
 */

/** A page as the XML says it: keys and tokens are as they were sent. */
export interface ScannedPage {
  readonly objects: readonly ScannedObject[]
  readonly prefixes: readonly string[]
  readonly encodingType: string | undefined
  readonly isTruncated: boolean
  readonly continuation: string | undefined
}

export interface ScannedObject {
  readonly key: string
  readonly size: number
  readonly etag: string
  readonly lastModifiedMs: number
  readonly storageClass: string | undefined
}

/** Null of XML that is not of this plain kind (comments, CDATA, attributes within, values that are no numbers or times): a general parser is to read it. */
export function scanPage(xml: string): ScannedPage | null {
  const open = xml.indexOf('<ListBucketResult')
  const from = xml.indexOf('>', open) + 1
  const to = xml.lastIndexOf('</ListBucketResult>')
  if (open < 0 || to < from || xml.includes('<!')) return null
  const objects: ScannedObject[] = []
  const prefixes: string[] = []
  let encodingType: string | undefined
  let isTruncated = false
  let continuation: string | undefined
  const isPlain = eachChild(xml, from, to, (name, start, end) => {
    if (name === 'Contents') {
      const object = objectIn(xml, start, end)
      if (object === null) return false
      objects.push(object)
    } else if (name === 'CommonPrefixes') {
      return eachChild(xml, start, end, (inner, at, until) => {
        if (inner === 'Prefix') prefixes.push(textIn(xml, at, until))
        return true
      })
    } else if (name === 'IsTruncated') isTruncated = xml.slice(start, end).trim() === 'true'
    else if (name === 'NextContinuationToken') continuation = textIn(xml, start, end)
    else if (name === 'EncodingType') encodingType = textIn(xml, start, end)
    return true
  })
  return isPlain ? { objects, prefixes, encodingType, isTruncated, continuation } : null
}

function objectIn(xml: string, from: number, to: number): ScannedObject | null {
  let key: string | undefined
  let size = Number.NaN
  let etag = ''
  let lastModifiedMs = Number.NaN
  let storageClass: string | undefined
  const isPlain = eachChild(xml, from, to, (name, start, end) => {
    if (name === 'Key') key = textIn(xml, start, end)
    else if (name === 'Size') size = start === end ? Number.NaN : Number(xml.slice(start, end))
    else if (name === 'ETag') etag = textIn(xml, start, end)
    else if (name === 'LastModified') lastModifiedMs = Date.parse(xml.slice(start, end))
    else if (name === 'StorageClass') storageClass = textIn(xml, start, end)
    return true
  })
  if (!isPlain || key === undefined || !Number.isSafeInteger(size) || Number.isNaN(lastModifiedMs)) return null
  return { key, size, etag, lastModifiedMs, storageClass }
}

const space = /\s/

/** Visits the elements between two places, until `visit` gives false. False, too, where something else stands there. */
function eachChild(xml: string, from: number, to: number, visit: (name: string, start: number, end: number) => boolean): boolean {
  let at = from
  while (at < to) {
    if (xml.charCodeAt(at) !== 0x3c) {
      if (!space.test(xml[at])) return false
      at++
      continue
    }
    const close = xml.indexOf('>', at)
    if (close < 0 || close >= to) return false
    const name = xml.slice(at + 1, close)
    if (name.endsWith('/')) {
      at = close + 1
      continue
    }
    const end = xml.indexOf(`</${name}>`, close)
    if (end < 0 || end > to || name.includes(' ')) return false
    if (!visit(name, close + 1, end)) return false
    at = end + name.length + 3
  }
  return true
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

function textIn(xml: string, start: number, end: number): string {
  const text = xml.slice(start, end)
  if (!text.includes('&')) return text
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|([a-z]+));/gi, (whole, hex?: string, decimal?: string, name?: string) => {
    if (name !== undefined) return entities[name] ?? whole
    return String.fromCodePoint(hex === undefined ? Number(decimal) : Number.parseInt(hex, 16))
  })
}
