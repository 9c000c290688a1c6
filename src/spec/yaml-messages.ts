const messages: Readonly<Record<string, string | undefined>> = {
  BAD_ALIAS: 'expected an alias (*name) to have its anchor (&name) above it; quote a string that starts with *',
  BAD_DQ_ESCAPE: 'expected an escape that YAML knows after a backslash within double quotes; write \\\\ for a backslash',
  BAD_INDENT: 'expected the indentation of the lines above',
  BAD_SCALAR_START: 'expected a string that starts with this character to be quoted',
  BLOCK_AS_IMPLICIT_KEY: 'expected one key and its value a line; quote a string that has a colon and a space in it',
  BLOCK_IN_FLOW: 'expected no indented block within brackets or braces',
  KEY_OVER_1024_CHARS: 'expected a key of at most 1024 characters',
  MISSING_CHAR: 'expected a quote, bracket, brace, comma or colon, which is missing',
  MULTILINE_IMPLICIT_KEY: 'expected a key and its colon on one line',
  MULTIPLE_ANCHORS: 'expected one anchor (&name); quote a string that starts with &',
  MULTIPLE_TAGS: 'expected no tags (!name); quote a string that starts with !',
  NON_STRING_KEY: 'expected a string as key',
  RESOURCE_EXHAUSTION: 'expected fewer levels',
  TAB_AS_INDENT: 'expected spaces, found a tab in the indentation',
  TAG_RESOLVE_FAILED: 'expected no tags (!name); quote a string that starts with !',
}

/** What a code of the YAML parser means in the line where it was seen, in a sentence of ours that quotes nothing. */
export function syntaxMessage(code: string, line: string): string {
  const message = messages[code] ?? 'expected YAML or JSON; what stands here does not fit what stands before'
  return line.includes('${') ? `${message} (within brackets and braces, a string with \${NAME} in it must be quoted)` : message
}
