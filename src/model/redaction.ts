/**
 * A function that replaces each secret by `***`, as it is and as it stands in a URL. Longer secrets go first, so that one
 * which contains another is replaced whole.
 */
export function redactor(secrets: Iterable<string>): (text: string) => string {
  const forms = new Set<string>()
  for (const secret of secrets) {
    if (secret === '') continue
    forms.add(secret)
    forms.add(encodeURIComponent(secret.toWellFormed()))
  }
  const ordered = [...forms].sort((a, b) => b.length - a.length)
  return (text) => ordered.reduce((clean, form) => clean.replaceAll(form, '***'), text)
}
