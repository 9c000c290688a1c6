/** What one file imports: its specifiers, in order. */
export interface FileImports {
  readonly specifiers: readonly string[]
  /** Whether the file exports anything. */
  readonly exports: boolean
}

/** The specifiers of `import … from`, `import '…'`, `export … from` and `import('…')`; throws where a dynamic import has no literal. */
export function importsOf(path: string, source: string): FileImports {
  const { code, strings } = withoutLiterals(source)
  const specifiers: string[] = []
  // In the code each string literal stands as `"N"`, its number.
  const pattern =
    /(?<![.\w$#])(?:(?:import|export)\b(?:\s+type\b)?[\w\s*{},$]*?\bfrom\s*"(\d+)"|import\s*"(\d+)"|import\s*\(\s*(?:"(\d+)"|))/g
  for (const [text, from, bare, dynamic] of code.matchAll(pattern)) {
    const index = from ?? bare ?? dynamic
    if (index === undefined) throw new Error(`${path}: ${text.trim()}…) imports something that is not a string literal`)
    specifiers.push(strings[Number(index)])
  }
  return { specifiers, exports: /(?<![.\w$#])export\b/.test(code) }
}

/** The source with comments, regular expressions and template text blanked, and each string literal replaced by its number. */
function withoutLiterals(source: string): { code: string; strings: string[] } {
  const strings: string[] = []
  let code = ''
  let at = 0
  /** Depths of braces at which a template's `${` was opened. */
  const templates: number[] = []
  let depth = 0

  function template(): void {
    // From behind a backquote or the brace that closes `${…}`, to the next `${` or the closing backquote.
    while (at < source.length) {
      const char = source[at]
      at += char === '\\' ? 2 : 1
      if (char === '`') return
      if (char === '$' && source[at] === '{') {
        at++
        templates.push(depth++)
        code += '('
        return
      }
    }
  }

  while (at < source.length) {
    const rest = source.slice(at, at + 2)
    const char = source[at]
    if (rest === '//') {
      at = end(source, '\n', at)
    } else if (rest === '/*') {
      at = end(source, '*/', at + 2) + 2
      code += ' '
    } else if (char === "'" || char === '"') {
      const close = literalEnd(source, at)
      code += `"${strings.push(source.slice(at + 1, close)) - 1}"`
      at = close + 1
    } else if (char === '`') {
      at++
      code += ' '
      template()
    } else if (
      char === '/' &&
      /(?:^|[(,=:[!&|?{};+\-*%<>~^]|\b(?:return|typeof|case|in|of|do|else|void|delete|throw|new|yield|await))\s*$/.test(code.slice(-40))
    ) {
      at = expressionEnd(source, at) + 1
      code += ' '
    } else {
      at++
      if (char === '{') depth++
      if (char === '}' && --depth === templates.at(-1)) {
        templates.pop()
        code += ')'
        template()
      } else code += char
    }
  }
  return { code, strings }
}

function end(source: string, mark: string, from: number): number {
  const found = source.indexOf(mark, from)
  return found < 0 ? source.length : found
}

/** The position of the quote that closes the one at `at`. */
function literalEnd(source: string, at: number): number {
  let i = at + 1
  while (i < source.length && source[i] !== source[at]) i += source[i] === '\\' ? 2 : 1
  return i
}

/** The position of the slash that closes the regular expression at `at`. */
function expressionEnd(source: string, at: number): number {
  let inClass = false
  let i = at + 1
  for (; i < source.length && source[i] !== '\n' && (inClass || source[i] !== '/'); i++) {
    if (source[i] === '\\') i++
    else if (source[i] === '[') inClass = true
    else if (source[i] === ']') inClass = false
  }
  return i
}
