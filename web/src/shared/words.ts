import { usePreferences } from './preferences'

/** The text in the reader's language out of one that has both; the other language rather than nothing. */
export function inLanguage(texts: Readonly<Record<string, string>> | null | undefined, language: string): string {
  return texts?.[language] ?? Object.values(texts ?? {})[0] ?? ''
}

/** `inLanguage` for a template: follows the switch. */
export function useWords(): (texts: Readonly<Record<string, string>> | null | undefined) => string {
  const preferences = usePreferences()
  return (texts) => inLanguage(texts, preferences.language)
}
