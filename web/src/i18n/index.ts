import { createI18n } from 'vue-i18n'

/** Texts of every room: `src/<room>/locales/<language>.json`, under the room's name. */
export type Language = 'zh-CN' | 'en'
export const LANGUAGES: readonly Language[] = ['zh-CN', 'en']

type Texts = Record<string, unknown>
type TextModule = { default: Texts }

const chinese = import.meta.glob<TextModule>('../*/locales/zh-CN.json', { eager: true })
const english = import.meta.glob<TextModule>('../*/locales/en.json')

function byRoom(modules: Record<string, TextModule>): Record<string, Texts> {
  return Object.fromEntries(Object.entries(modules).map(([path, module]) => [path.split('/')[1]!, module.default]))
}

export const i18n = createI18n({
  legacy: false,
  locale: 'zh-CN' as Language,
  fallbackLocale: 'zh-CN' as Language,
  messages: { 'zh-CN': byRoom(chinese) } as Record<Language, Record<string, Texts>>,
  missingWarn: import.meta.env.DEV,
  fallbackWarn: import.meta.env.DEV,
})

/** Switches the language; English is fetched the first time it is wanted. */
export async function setLanguage(language: Language): Promise<void> {
  if (language === 'en' && !i18n.global.availableLocales.includes('en')) {
    const loaded = await Promise.all(
      Object.entries(english).map(async ([path, load]) => [path, await load()] as const),
    )
    i18n.global.setLocaleMessage('en', byRoom(Object.fromEntries(loaded)) as never)
  }
  i18n.global.locale.value = language
  document.documentElement.lang = language
}
