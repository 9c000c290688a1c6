/**
 * The name that a topic's table (or an inferred field's column) gets where the document gives none: lower case, every character
 * outside a–z, 0–9 and _ made _, a leading digit prefixed t_.
 */
export function normalizeName(name: string): string {
  const plain = name.toLowerCase().replaceAll(/[^a-z0-9_]/gu, '_')
  return /^[0-9]/.test(plain) ? `t_${plain}` : plain
}
