import { describe, expect, test } from 'vitest'
import { importsOf } from '../tidy/imports.ts'
import { roomViolations } from '../tidy/rooms.ts'
import { textViolations } from '../tidy/texts.ts'

describe('the import reader', () => {
  test.each([
    [`import a from 'a'`, ['a']],
    [`import type { A } from "a"`, ['a']],
    [`import a, { type B, c as d } from 'a'\nimport * as e from './e.ts'`, ['a', './e.ts']],
    [`import {\n  a,\n  // from 'nowhere'\n  b,\n} from 'a'`, ['a']],
    [`import 'a'`, ['a']],
    [`export { a } from './a.ts'; export * from './b.ts'; export type { C } from './c.ts'`, ['./a.ts', './b.ts', './c.ts']],
    [`const a = await import('a')`, ['a']],
    ["const text = `${await import('a')} and ${{ b: `${1}` }} import \"b\"`\nimport c from 'c'", ['a', 'c']],
    [`const quote = /['"\\/]/g\nimport a from 'a'`, ['a']],
    [`const half = total / 2 / parts\nimport a from 'a'`, ['a']],
    [`// import a from 'a'\n/* import 'b' */ const s = "import c from 'c'"`, []],
    [`export const from = 'a'\nconst x = import.meta.dirname\nobject.import('a')`, []],
    [`export function f() {}\nconst a = { from: 'b' }`, []],
  ])('reads %j', (source, expected) => {
    expect(importsOf('x.ts', source).specifiers).toEqual(expected)
  })

  test('refuses a dynamic import that it cannot follow', () => {
    expect(() => importsOf('x.ts', 'await import(name)')).toThrow('not a string literal')
  })

  test('tells whether a file exports', () => {
    expect(importsOf('x.ts', 'export const a = 1').exports).toBe(true)
    expect(importsOf('x.ts', `const a = 'export' // export`).exports).toBe(false)
  })
})

/** Sources in which each named file imports what is listed; what is imported by path exists. */
function tree(imports: Record<string, string[]>): Map<string, string> {
  const files = new Map(Object.entries(imports).map(([path, list]) => [path, list.map((specifier) => `import '${specifier}'\n`).join('')]))
  for (const [path, list] of Object.entries(imports)) {
    for (const specifier of list.filter((name) => name.startsWith('.'))) {
      const target = new URL(specifier, `file:///${path}`).pathname.slice(1)
      if (!files.has(target)) files.set(target, '')
    }
  }
  return files
}

describe('the rules of rooms', () => {
  test.each<[string, Record<string, string[]>, string]>([
    ['a stage imports another stage', { 'src/pipeline/plan/a.ts': ['../commit/b.ts'] }, 'only src/service joins stages'],
    ['the road imports a stage', { 'src/pipeline/flow.ts': ['./plan/a.ts'] }, 'only src/service joins stages'],
    ['a stage imports a joiner', { 'src/pipeline/plan/a.ts': ['../../service/feed/b.ts'] }, 'pipeline may not import service'],
    ['a stage imports a driver', { 'src/pipeline/plan/a.ts': ['../../drivers/store/s3.ts'] }, 'only the composition root knows'],
    ['a stage imports the command line', { 'src/pipeline/plan/a.ts': ['../../cli/run.ts'] }, 'pipeline may not import cli'],
    ['a driver imports the pipeline', { 'src/drivers/store/s3.ts': ['../../pipeline/flow.ts'] }, 'drivers may not import pipeline'],
    ['a driver imports the document', { 'src/drivers/store/s3.ts': ['../../spec/spec.ts'] }, 'drivers may not import spec'],
    ['a driver imports one of another kind', { 'src/drivers/catalog/sql.ts': ['../store/s3.ts'] }, 'a driver never imports another driver'],
    [
      'a driver imports one of its own kind',
      { 'src/drivers/store/s3.ts': ['./directory.ts'], 'src/compose.ts': ['./drivers/store/directory.ts'] },
      'a driver never imports another driver',
    ],
    ['a format imports a seam', { 'src/formats/kfs/a.ts': ['../../seams/clock.ts'] }, 'formats may not import seams'],
    ['the model imports a format', { 'src/model/a.ts': ['../formats/kfs/b.ts'] }, 'model may not import formats'],
    ['the model imports a package', { 'src/model/a.ts': ['zod'] }, 'the model imports nothing'],
    ['a seam imports the document', { 'src/seams/a.ts': ['../spec/b.ts'] }, 'seams may not import spec'],
    ['the document imports a seam', { 'src/spec/a.ts': ['../seams/b.ts'] }, 'spec may not import seams'],
    ['a command imports a driver', { 'src/cli/run.ts': ['../drivers/store/s3.ts'] }, 'only the composition root knows'],
    ['a stage imports the composition root', { 'src/pipeline/flow.ts': ['../compose.ts'] }, 'only main and cli'],
    [
      'files import each other',
      { 'src/model/a.ts': ['./b.ts'], 'src/model/b.ts': ['./c.ts'], 'src/model/c.ts': ['./b.ts'] },
      'src/model/b.ts → src/model/c.ts → src/model/b.ts',
    ],
    ['somebody imports main', { 'src/cli/run.ts': ['../main.ts'] }, 'nobody imports the root'],
    ['a room that nobody planned imports another', { 'src/utils/a.ts': ['../model/b.ts'] }, 'utils may not import model'],
    [
      'two files open one package',
      { 'src/formats/a/a.ts': ['@x/y'], 'src/spec/b.ts': ['@x/y/deep'] },
      'the package @x/y has more than one door',
    ],
  ])('fail when %s', (_, imports, message) => {
    const violations = roomViolations(tree(imports))
    expect(violations).toHaveLength(1)
    expect(violations[0]).toContain(message)
  })

  test('fail when an import leads nowhere', () => {
    expect(roomViolations(new Map([['src/model/a.ts', `import './gone.ts'`]]))).toEqual([
      'src/model/a.ts imports ./gone.ts: there is no src/model/gone.ts',
    ])
  })

  test('fail when no file was read, or no import in many', () => {
    expect(roomViolations(new Map())).toEqual(['no file under src/ was read'])
    const silent = new Map(Array.from({ length: 6 }, (_, index) => [`src/model/${index}.ts`, 'const a = 1']))
    expect(roomViolations(silent)).toEqual(['no import was found in any file'])
  })

  test('let through what the design allows', () => {
    const allowed = tree({
      'src/pipeline/plan/a.ts': [
        './b.ts',
        '../../model/a.ts',
        '../../seams/a.ts',
        '../../spec/a.ts',
        '../../formats/kfs/a.ts',
        'node:path',
      ],
      'src/pipeline/commit/b.ts': ['../flow.ts'],
      'src/service/feed/a.ts': ['../tasks/b.ts', '../../pipeline/plan/a.ts', '../../pipeline/commit/b.ts'],
      'src/drivers/catalog/rest.ts': ['./rest-config.ts', '../http/client.ts', '../../seams/a.ts', '../../formats/iceberg/a.ts', 'undici'],
      'src/formats/iceberg/a.ts': ['../avro/a.ts', '../../model/a.ts', 'fs'],
      'src/seams/a.ts': ['../formats/iceberg/a.ts', '../model/a.ts'],
      'src/compose.ts': ['./drivers/catalog/rest.ts', './service/feed/a.ts', './spec/a.ts'],
      'src/cli/run.ts': ['../compose.ts', '../spec/a.ts', '../pipeline/flow.ts'],
      'src/main.ts': ['./cli/run.ts', './compose.ts'],
      'src/bin.js': ['./main.ts'],
    })
    expect(roomViolations(allowed)).toEqual([])
  })
})

/** Joins what would break a rule in this very file. */
function glue(...parts: string[]): string {
  return parts.join('')
}

describe('the rules about text', () => {
  test.each([
    ['a long file', 'src/a.ts', 'const a = 1\n'.repeat(401), 'has 401 lines'],
    ['an export without a doc comment', 'src/a.ts', 'export const a = 1\n', 'no doc comment'],
    ['a skipped test', 'test/unit/a.test.ts', glue('test.sk', 'ip(name)'), 'singles out a test'],
    ['a test that runs alone', 'test/unit/a.test.ts', glue('describe.on', 'ly(name)'), 'singles out a test'],
    ['a test to be written', 'test/unit/a.test.ts', glue('it.to', 'do(name)'), 'singles out a test'],
    ['a decision by the name of a catalog', 'src/a.ts', "if (type === 'unity') return", 'not what it does'],
    ['such a case', 'src/a.ts', "    case 'glue':", 'not what it does'],
    ['unfinished work', 'src/a.ts', glue('// TO', 'DO: later'), 'unfinished work'],
    ['work to be mended', 'test/a.ts', glue('// FIX', 'ME'), 'unfinished work'],
    ['a path of one machine', 'docs/a.md', glue('see /wo', 'rk/main'), 'a path of one machine'],
    ['a home directory', 'test/integration/a.sh', glue('cd /ro', 'ot/x'), 'a path of one machine'],
    ['a registry', '.ci/run', glue('npm --registry https://registry', '.packages.org'), "a registry's host"],
    ['a proxy of modules', 'test/a.sh', glue('GOPROXY=https://proxy', '.modules.org'), "a registry's host"],
    ['download addresses in the lock file', 'package-lock.json', '"resolved": "https://somewhere/a.tgz"', 'download addresses'],
    ['a link to nothing', 'docs/a.md', 'see [b](b.md)', 'docs/a.md links to b.md'],
  ])('fail on %s', (_, path, text, message) => {
    const violations = textViolations(new Map([[path, text]]))
    expect(violations).toHaveLength(1)
    expect(violations[0]).toContain(message)
  })

  test('let through 400 lines, documented exports, file URLs and example hosts', () => {
    const allowed = new Map([
      ['src/a.ts', `/** One. */\nexport const a = 1\n${'const b = 2\n'.repeat(398)}`],
      ['src/b.ts', `const url = new URL('./network/', 'https://registry.example.com')\n`],
      ['docs/a.md', 'see docs/work/plan.md, [a](../src/a.ts#L1), [all](../src), [here](#here) and s3://bucket/root/x'],
      ['test/unit/a.test.ts', `test('a list of what is left to do', () => {})`],
    ])
    expect(textViolations(allowed)).toEqual([])
  })
})
