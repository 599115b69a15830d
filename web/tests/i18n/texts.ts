import { globSync, readFileSync } from 'node:fs'

export type Texts = { [key: string]: string | Texts }

/** All texts of a language, by room. */
export function textsOf(language: string): Texts {
  const files = globSync(`src/*/locales/${language}.json`)
  return Object.fromEntries(files.map((file) => [file.split('/')[1]!, JSON.parse(readFileSync(file, 'utf8')) as Texts]))
}

/** `{ "alarms.title": "告警", … }` */
export function flat(texts: Texts, prefix = ''): Record<string, string> {
  return Object.fromEntries(
    Object.entries(texts).flatMap(([key, value]) =>
      typeof value === 'string' ? [[prefix + key, value]] : Object.entries(flat(value, `${prefix}${key}.`)),
    ),
  )
}
