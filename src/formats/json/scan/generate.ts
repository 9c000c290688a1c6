import type { Column } from '../column.ts'
import type { ScalarShape } from '../exact/scalars.ts'
import type { Shape, TimeShape } from '../shape.ts'
import { isLevel, type Level, type Member, structLevel } from './levels.ts'
import { fillAbsent, isRepeated } from './fills.ts'
import { matchCode } from './match-code.ts'
import { MemberTable, type RescuedPath } from './member-table.ts'
import { Program } from './program.ts'
import { readBoolean } from './booleans.ts'
import { readDecimal, readDouble, readFloat, readInt, readLong } from './numbers.ts'
import type { RescueWriter } from './rescue-writer.ts'
import type { Source } from './source.ts'
import { readString } from './strings.ts'
import { readDate, readEpoch, readTimestamp, type ScannedForm } from './times.ts'
import { readUuid } from './uuids.ts'

/** Reads the document at a position; returns the position after it, or a negative number where the exact path must take it. */
export type Scan = (start: number) => number

export interface Generated {
  readonly scan: Scan
  readonly tables: readonly MemberTable[]
  /** Columns' paths, for values that do not fit. */
  readonly misfits: readonly RescuedPath[]
}

/** What the generated functions call besides the readers. Each returns the position after the value, or gives up. */
export interface Helpers {
  /** Rescues a member that has no column. */
  skipUnknown(table: MemberTable, unknown: number, visit: number, p: number): number
  /** Reads a value exactly that the readers are not made for; rescues what does not fit. */
  readHard(value: HardValue, p: number): number
}

/** A column, and where to count and keep what it can not hold; null where nothing can be kept, and the exact path must take the record. */
export interface HardValue {
  readonly column: Column
  readonly rescued: RescuedPath | null
}

/** What differs between levels of few members and of many: declarations, a guess at the next member, reading it, and those that were missing. */
interface LevelCode {
  readonly before: string
  readonly find: string
  readonly read: string
  readonly absent: string
}

/** Where a value stands: from where paths begin, and from the record with `[*]` for list indexes. */
interface Place {
  readonly path: string
  readonly pattern: string
}

const encoder = new TextEncoder()
/** Members of a level up to which one function holds them all, and one integer's bits say which were seen. */
const maxBits = 31

/**
 * Generates the scanner of a level and all that is below it: one function a struct, list and map. A level's function tries the key
 * that it met at this place last time, compared as 32-bit words of `"key":`; then the key after that one; then looks the key up.
 *
 * Names are data: they come into the source as numbers (the words of their bytes) alone, all else is bound as a value.
 */
export function generateScan(
  root: Level,
  source: Source,
  rescue: RescueWriter,
  { skipUnknown, readHard }: Helpers,
  onForget: (members: readonly RescuedPath[]) => void,
): Generated {
  const program = new Program()
  const tables: MemberTable[] = []
  const misfits: RescuedPath[] = []
  for (const [name, value] of Object.entries({ source, rescue, skipUnknown, readHard })) program.bindAs(name, value)
  for (const [name, value] of Object.entries(readers)) program.bindAs(name, value)

  function level(at: Level): string {
    const table = new MemberTable(
      at.members.map(({ key }) => key),
      at.path,
      at.pattern,
      onForget,
    )
    tables.push(table)
    const name = program.nextName('level')
    const tableName = program.bind(table)
    // At each place the member is expected that stood there last; first, that which the schema has next.
    const next = program.bind(Int32Array.from({ length: at.members.length + 1 }, (_, i) => i % Math.max(1, at.members.length)))
    const { before, find, read, absent } = at.members.length <= maxBits ? narrow(at, next) : wide(at, tableName, next)
    program.add(`function ${name}(p, emptyIsFine) {
      const B = source.bytes, V = source.view
      const visit = ++${tableName}.visit
      let last = 0, b = B[p]
      ${before}
      if (b !== 0x22) { p = source.space(p); b = B[p] }
      if (b === 0x7d) { if (!emptyIsFine) return -1; p++ }
      else for (;;) {
        let i = ${next}[last]
        found: {
          ${find}
          i = ${tableName}.find(source, p)
          if (i < 0) return -1
          p = ${tableName}.valueAt
          if (i < ${at.members.length}) ${next}[last] = i
        }
        if (B[p] <= 0x20) p = source.space(p)
        if (i < ${at.members.length}) { last = i + 1; ${read} }
        else p = skipUnknown(${tableName}, i - ${at.members.length}, visit, p)
        if (p < 0) return -1
        b = B[p]
        if (b <= 0x20) { p = source.space(p); b = B[p] }
        p++
        if (b !== 0x2c) { if (b === 0x7d) break; return -1 }
        if (B[p] !== 0x22) p = source.space(p)
      }
      ${absent}
      return p
    }`)
    return name
  }

  /** Up to 31 members: all of them in the level's own function, which were seen in the bits of an integer. A second occurrence counts, and only the exact path knows how. */
  function narrow(at: Level, next: string): LevelCode {
    const { length } = at.members
    const cases = at.members.map(
      (member, i) => `case ${i}: if (seen & ${1 << i}) return -1; seen |= ${1 << i}; ${memberCode(member, at)} break`,
    )
    return {
      before: 'let seen = 0',
      find: `for (let tries = 0; tries < 2; tries++) {
        switch (i) {
          ${at.members.map(({ key }, i) => `case ${i}: ${matchCode(key)} break`).join('\n')}
        }
        i = ${next}[i + 1]
      }`,
      read: `switch (i) { ${cases.join('\n')} }`,
      absent: `if (seen !== ${2 ** length - 1}) { ${at.members.map((member, i) => `if (!(seen & ${1 << i})) { ${absentCode(member)} }`).join('\n')} }`,
    }
  }

  /** More members: a function for each, since V8 optimizes no function of any size; `seen` has the visit in which each was met last. */
  function wide(at: Level, table: string, next: string): LevelCode {
    const readers = at.members.map((member) => {
      const name = program.nextName('member')
      program.add(`function ${name}(p) { const B = source.bytes, V = source.view; ${memberCode(member, at)} return p }`)
      return name
    })
    const members = program.nextName('members')
    program.add(`const ${members} = [${readers.join(', ')}]`)
    const seen = program.bind(new Float64Array(at.members.length))
    const absent = program.bind(
      at.members.map((member) => (member.required ? null : columnsOf(member.target).map(({ builder }) => builder))),
    )
    return {
      before: 'let count = 0',
      find: `for (let tries = 0; tries < 2; tries++) {
        const after = ${table}.match(source, i, p)
        if (after >= 0) { p = after; break found }
        i = ${next}[i + 1]
      }`,
      read: `if (${seen}[i] === visit) return -1; ${seen}[i] = visit; count++; p = ${members}[i](p)`,
      absent: `if (count !== ${at.members.length} && !fillAbsent(${absent}, ${seen}, visit)) return -1`,
    }
  }

  function memberCode({ target, path, required }: Member, at: Level): string {
    const pattern = at.pattern + path.slice(at.path.length)
    if (isLevel(target)) return `if (B[p] !== 0x7b) return -1; p = ${level(target)}(p + 1, false);`
    const builder = program.bind(target.builder)
    const onNull = required
      ? '{ return -1 }'
      : `{ if (V.getInt32(p, true) !== 0x6c6c756e) return -1; ${builder}.appendNull(); rescue.addNull(${program.bind(escaped(path))}); p += 4 }`
    return `if (B[p] === 0x6e) ${onNull} else { ${valueCode(target, required && !isNested(target.shape) ? null : { path, pattern })} }`
  }

  function absentCode({ target, required }: Member): string {
    if (required) return 'return -1'
    return columnsOf(target)
      .map((column) => `${program.bind(column.builder)}.appendNull();`)
      .join(' ')
  }

  /** Statements that read a value that is not null at `p` and set `p` behind it. `place`: null inside a map, where nothing can be rescued. */
  function valueCode(column: Column, place: Place | null): string {
    const { shape } = column
    const builder = program.bind(column.builder)
    if (shape.kind === 'struct') {
      if (place === null) return 'return -1;'
      return `if (B[p] !== 0x7b) return -1; p = ${level(structLevel(column, place.path, place.pattern))}(p + 1, true); if (p < 0) return -1; ${builder}.close();`
    }
    if (shape.kind === 'list') return `p = ${list(column, place)}(p);`
    if (shape.kind === 'map') return `p = ${map(column)}(p);`
    const hard = program.bind(hardValue(column, place))
    const code = isTimestamp(shape) ? timestampCode(shape, builder) : readCode(shape, builder)
    return code === null ? `p = readHard(${hard}, p);` : `{ const at = p; p = ${code}; if (p < 0) p = readHard(${hard}, at) }`
  }

  function list(column: Column, place: Place | null): string {
    const [element] = column.children
    const builder = program.bind(column.builder)
    const elements = program.bind(element.builder)
    const name = program.nextName('list')
    // Only what is in an object can be rescued, and then its path needs the element's index.
    const indexed = place !== null && hasLevel(element.shape)
    const code = valueCode(element, indexed ? { path: '', pattern: `${place.pattern}[*]` } : null)
    program.add(`function ${name}(p) {
      const B = source.bytes, V = source.view
      if (B[p] !== 0x5b) return -1
      p++
      if (B[p] <= 0x20) p = source.space(p)
      if (B[p] === 0x5d) { ${builder}.close(); return p + 1 }
      ${indexed ? `rescue.enterList(${program.bind(escaped(place.path))})` : ''}
      for (;;) {
        if (B[p] === 0x6e) { if (V.getInt32(p, true) !== 0x6c6c756e) return -1; ${elements}.appendNull(); p += 4 }
        else { ${code} if (p < 0) return -1 }
        let b = B[p]
        if (b <= 0x20) { p = source.space(p); b = B[p] }
        p++
        if (b === 0x5d) { ${indexed ? 'rescue.leaveList();' : ''} ${builder}.close(); return p }
        if (b !== 0x2c) return -1
        if (B[p] <= 0x20) p = source.space(p)
        ${indexed ? 'rescue.nextElement()' : ''}
      }
    }`)
    return name
  }

  function map(column: Column): string {
    const [key, value] = column.children
    const name = program.nextName('map')
    if (key.shape.kind !== 'string') {
      program.add(`function ${name}() { return -1 }`)
      return name
    }
    const builder = program.bind(column.builder)
    const keys = program.bind(key.builder)
    const values = program.bind(value.builder)
    const code = valueCode(value, null)
    program.add(`function ${name}(p) {
      const B = source.bytes, V = source.view
      if (B[p] !== 0x7b) return -1
      p++
      if (B[p] <= 0x20) p = source.space(p)
      if (B[p] === 0x7d) { ${builder}.close(); return p + 1 }
      const first = ${keys}.length
      for (;;) {
        p = readString(source, ${keys}, p)
        if (p < 0 || isRepeated(${keys}, first)) return -1
        if (B[p] !== 0x3a) { p = source.space(p); if (B[p] !== 0x3a) return -1 }
        p++
        if (B[p] <= 0x20) p = source.space(p)
        if (B[p] === 0x6e) { if (V.getInt32(p, true) !== 0x6c6c756e) return -1; ${values}.appendNull(); p += 4 }
        else { ${code} if (p < 0) return -1 }
        let b = B[p]
        if (b <= 0x20) { p = source.space(p); b = B[p] }
        p++
        if (b === 0x7d) { ${builder}.close(); return p }
        if (b !== 0x2c) return -1
        if (B[p] <= 0x20) p = source.space(p)
      }
    }`)
    return name
  }

  function timestampCode(shape: TimeShape, builder: string): string | null {
    if (shape.unit === 'iso8601') return `readTimestamp(source, ${builder}, p, ${program.bind(scannedForm(shape))})`
    return shape.unit === 'ns' ? null : `readEpoch(source, ${builder}, p, ${{ s: 1e6, ms: 1000, us: 1 }[shape.unit]})`
  }

  function hardValue(column: Column, place: Place | null): HardValue {
    if (place === null) return { column, rescued: null }
    const rescued = { path: escaped(place.path), pattern: place.pattern, count: 0 }
    misfits.push(rescued)
    return { column, rescued }
  }

  const name = level(root)
  program.add(`return function (start) {
    const p = source.space(start)
    if (source.bytes[p] !== 0x7b) return -1
    const after = ${name}(p + 1, false)
    // What follows the document may be taken for white space.
    return after < 0 || after >= source.end ? after : Math.min(source.space(after), source.end)
  }`)
  return { scan: program.compile() as Scan, tables, misfits }
}

/** A call that reads a value as documents mostly write it; null where there is none, and each value is read the hard way. */
function readCode(shape: ScalarShape, builder: string): string | null {
  switch (shape.kind) {
    case 'boolean':
      return `readBoolean(source, ${builder}, p)`
    case 'int':
      return `readInt(source, ${builder}, p)`
    case 'long':
      return `readLong(source, ${builder}, p)`
    case 'float':
      return `readFloat(source, ${builder}, p)`
    case 'double':
      return `readDouble(source, ${builder}, p)`
    case 'decimal':
      return `readDecimal(source, ${builder}, p, ${shape.scale}, ${shape.precision >= 38 ? 'Infinity' : `1e${shape.precision}`})`
    case 'string':
      return `readString(source, ${builder}, p)`
    case 'uuid':
      return `readUuid(source, ${builder}, p)`
    case 'date':
      return shape.unit === 'iso8601' ? `readDate(source, ${builder}, p)` : null
    case 'timestamp':
    case 'timestamptz':
    case 'binary':
    case 'time':
      return null
  }
}

const readers = {
  readBoolean,
  readInt,
  readLong,
  readFloat,
  readDouble,
  readDecimal,
  readString,
  readUuid,
  readDate,
  readEpoch,
  readTimestamp,
  isRepeated,
  fillAbsent,
}

function isTimestamp(shape: ScalarShape): shape is TimeShape {
  return shape.kind === 'timestamp' || shape.kind === 'timestamptz'
}

/** Whether what does not fit is for the exact path alone. */
function isNested({ kind }: Shape): boolean {
  return kind === 'struct' || kind === 'list' || kind === 'map'
}

function columnsOf(target: Column | Level): Column[] {
  return isLevel(target) ? target.members.flatMap((member) => columnsOf(member.target)) : [target]
}

function hasLevel(shape: Shape): boolean {
  return shape.kind === 'struct' || (shape.kind === 'list' && hasLevel(shape.element))
}

function scannedForm({ kind, form }: TimeShape): ScannedForm {
  const zone = kind === 'timestamptz' ? (form?.zone ?? 'Z') : ''
  const [, sign, hours, minutes] = /^([+-])(\d\d):?(\d\d)$/.exec(zone) ?? ['', '+', '0', '0']
  return {
    separator: (form?.separator ?? 'T').charCodeAt(0),
    fraction: form === null ? -1 : form.fraction,
    zone: encoder.encode(zone),
    offsetMicros: (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60e6,
  }
}

function escaped(path: string): Uint8Array {
  return encoder.encode(JSON.stringify(path).slice(1, -1))
}
