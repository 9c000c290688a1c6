/**
 * A name that Avro takes (`[A-Za-z_][A-Za-z0-9_]*`), as Iceberg's writers make them: a leading digit gets a `_` before it, any
 * other character becomes `_x` and its UTF-16 code in hexadecimal. Readers find fields by id, so that this need not be undone.
 */
export function avroName(name: string): string {
  let sanitized = ''
  for (let i = 0; i < name.length; i++) {
    const character = name[i]
    if (/[A-Za-z_]/.test(character) || (i > 0 && /[0-9]/.test(character))) sanitized += character
    else if (/[0-9]/.test(character)) sanitized += `_${character}`
    else sanitized += `_x${name.charCodeAt(i).toString(16).toUpperCase()}`
  }
  return sanitized === '' ? '_' : sanitized
}

/** Avro names for the fields of one record: where two names meet in one, the later is made different by its field id. */
export function avroNames(fields: readonly { readonly name: string; readonly 'field-id': number }[]): string[] {
  const taken = new Set<string>()
  return fields.map((field) => {
    let name = avroName(field.name)
    while (taken.has(name)) name += `_${field['field-id']}`
    taken.add(name)
    return name
  })
}
