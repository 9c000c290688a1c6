/** Lines of YAML for a value, indented by `indent`; mappings in lines of their own, lists of mappings too. */
export function blockLines(value: Readonly<Record<string, unknown>>, indent = ''): string[] {
  return Object.entries(value).flatMap(([key, member]) => {
    if (Array.isArray(member) && member.length > 0 && member.every((one) => typeof one === 'object' && one !== null)) {
      return [`${indent}${key}:`, ...member.flatMap((one) => itemLines(one as Record<string, unknown>, `${indent}  `))]
    }
    if (typeof member === 'object' && member !== null && !Array.isArray(member)) {
      return [`${indent}${key}:`, ...blockLines(member as Record<string, unknown>, `${indent}  `)]
    }
    return [`${indent}${key}: ${flow(member)}`]
  })
}

function itemLines(item: Readonly<Record<string, unknown>>, indent: string): string[] {
  const isFlat = Object.values(item).every((member) => typeof member !== 'object' || member === null)
  if (isFlat) return [`${indent}- ${flow(item)}`]
  const [first, ...more] = blockLines(item, `${indent}  `)
  return [`${indent}- ${first.trimStart()}`, ...more]
}

/** A value in one line. */
export function flow(value: unknown): string {
  if (typeof value === 'string') return scalar(value)
  if (Array.isArray(value)) return `[${value.map(flow).join(', ')}]`
  if (typeof value !== 'object' || value === null) return String(value)
  const members = Object.entries(value).map(([key, member]) => `${key}: ${flow(member)}`)
  return `{${members.join(', ')}}`
}

/** What YAML 1.1 and 1.2 take for something else than text, whatever its case. */
const notText = /^(?:true|false|yes|no|on|off|y|n|null)$/i

/** Text as it is where YAML takes it so, else in double quotes, where all that can not be seen is escaped. */
function scalar(text: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_.-]*$/.test(text) && !notText.test(text)) return text
  return JSON.stringify(text).replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, escaped)
}

function escaped(character: string): string {
  return Array.from({ length: character.length }, (_, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`).join('')
}
