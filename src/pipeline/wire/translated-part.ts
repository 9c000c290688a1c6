import type { Fault } from '../../model/failure.ts'
import type { PartEnd, Skip, TranslatedPart } from '../../model/translated-part.ts'
import type { Reader } from './reader.ts'
import { encodeAt, encodeOffset, encodeRanges, encodeSegment, readAt, readFollows, readRange, readRanges, readSegment } from './task.ts'

/** What reading a part decided, in JSON. */
export function encodeTranslated(part: TranslatedPart): object {
  return {
    ...part,
    at: encodeAt(part.at),
    follows: encodeOffset(part.follows),
    first: encodeSegment(part.first),
    last: part.last && encodeSegment(part.last),
    ranges: encodeRanges(part.ranges),
    gaps: encodeRanges(part.gaps),
    skips: part.skips.map(({ segment, range, fault }) => ({
      segment: encodeSegment(segment),
      range: range.map(String),
      fault: encodeFault(fault),
    })),
    // Left out where there are none, as by programs that did not know it.
    control: part.control.length === 0 ? undefined : encodeRanges(part.control),
    ended: part.ended && {
      ...part.ended,
      segment: encodeSegment(part.ended.segment),
      ...('fault' in part.ended && { fault: encodeFault(part.ended.fault) }),
    },
  }
}

export function readTranslated(part: Reader): TranslatedPart {
  const counts = part.field('counts')
  const rescued = part.field('rescued')
  return {
    at: readAt(part.field('at')),
    ...readFollows(part),
    first: readSegment(part.field('first')),
    last: part.field('last').nullable(readSegment),
    ranges: readRanges(part.field('ranges')),
    gaps: readRanges(part.field('gaps')),
    maxTimestampMs: part.field('maxTimestampMs').nullable((ms) => ms.number()),
    counts: {
      rows: counts.field('rows').number(),
      control: counts.field('control').number(),
      skipped: counts.field('skipped').number(),
      clipped: counts.field('clipped').number(),
      repeated: counts.field('repeated').number(),
      transactional: counts.field('transactional').number(),
    },
    skips: part.field('skips').list(readSkip),
    control: part.field('control').optional(readRanges) ?? [],
    rescued: {
      records: rescued.field('records').number(),
      paths: Object.fromEntries(rescued.field('paths').entries((count) => count.number())),
      otherPaths: rescued.field('otherPaths').number(),
    },
    ended: part.field('ended').nullable(readEnd),
  }
}

function readSkip(skip: Reader): Skip {
  return { segment: readSegment(skip.field('segment')), range: readRange(skip.field('range')), fault: readFault(skip.field('fault')) }
}

function readEnd(ended: Reader): PartEnd {
  const kind = ended.field('kind').oneOf(['fault', 'unreadable', 'changed', 'unsettled'])
  const segment = readSegment(ended.field('segment'))
  if (kind === 'fault') return { kind, segment, fault: readFault(ended.field('fault')), awaitsNext: ended.field('awaitsNext').flag() }
  return kind === 'unreadable' ? { kind, segment, reason: ended.field('reason').text() } : { kind, segment }
}

function encodeFault(fault: Fault): object {
  return { ...fault, offset: String(fault.offset) }
}

function readFault(fault: Reader): Fault {
  return {
    kind: fault.field('kind').oneOf(['crc', 'magic', 'length', 'malformed']),
    position: fault.field('position').number(),
    offset: fault.field('offset').bigint(),
    message: fault.field('message').text(),
  }
}
