/** Text as a JSON string, which shows control characters and can't be taken for the sentence around it; cut where it is longer than `longest`. */
export function quoted(text: string, longest = 60): string {
  return JSON.stringify(text.length <= longest ? text : `${text.slice(0, longest)}…`)
}

/** `a, b or c`. */
export function enumerated(words: readonly unknown[], last: 'or' | 'and'): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} ${last} ${words.at(-1) as string}`
}
