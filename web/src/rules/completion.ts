/** The name under the cursor and what choosing a point does to the text. Pure. */
export interface Word {
  text: string
  start: number
  end: number
}

const NAME = /[a-z0-9_]/i

export function wordAt(text: string, cursor: number): Word {
  let start = Math.min(cursor, text.length)
  let end = start
  while (start > 0 && NAME.test(text[start - 1]!)) start -= 1
  while (end < text.length && NAME.test(text[end]!)) end += 1
  const word = text.slice(start, end)
  return /^\d/.test(word) ? { text: '', start: cursor, end: cursor } : { text: word, start, end }
}

/** The text with `key` in the word's place, a space between it and what stands before, and where the cursor goes. */
export function completed(text: string, word: Word, key: string): { text: string; cursor: number } {
  const before = text.slice(0, word.start)
  const gap = before && !/[\s(]$/.test(before) ? ' ' : ''
  const head = before + gap + key
  return { text: head + text.slice(word.end), cursor: head.length }
}
