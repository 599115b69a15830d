import { defineStore } from 'pinia'
import { ref, watch } from 'vue'

import { LANGUAGES, type Language, setLanguage } from '@/i18n'

export type Theme = 'light' | 'dark'

/** How this browser's user likes the desk: language, theme, chosen site. Kept in the browser. */
export const usePreferences = defineStore('preferences', () => {
  const language = ref<Language>(storedLanguage())
  const theme = ref<Theme>(storedTheme())
  const siteId = ref<string | null>(localStorage.getItem('zhiwu.site'))

  watch(theme, (value) => {
    localStorage.setItem('zhiwu.theme', value)
    document.documentElement.dataset.theme = value
  })
  watch(siteId, (value) => {
    if (value) localStorage.setItem('zhiwu.site', value)
    else localStorage.removeItem('zhiwu.site')
  })

  async function speak(value: Language): Promise<void> {
    await setLanguage(value)
    language.value = value
    localStorage.setItem('zhiwu.language', value)
  }

  /** Puts stored choices into force; awaited before the first paint. */
  async function apply(): Promise<void> {
    document.documentElement.dataset.theme = theme.value
    await setLanguage(language.value)
  }

  return { language, theme, siteId, speak, apply }
})

function storedLanguage(): Language {
  const stored = localStorage.getItem('zhiwu.language')
  return LANGUAGES.find((language) => language === stored) ?? 'zh-CN'
}

function storedTheme(): Theme {
  const stored = localStorage.getItem('zhiwu.theme')
  if (stored === 'light' || stored === 'dark') return stored
  return window.matchMedia?.('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'
}
