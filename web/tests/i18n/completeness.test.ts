import { globSync, readFileSync } from 'node:fs'

import { describe, expect, it } from 'vitest'
import { createI18n } from 'vue-i18n'

import { flat, textsOf } from './texts'

const chinese = flat(textsOf('zh-CN'))
const english = flat(textsOf('en'))
const sources = globSync('src/**/*.{vue,ts}')
  .filter((file) => !file.includes('/api/schema'))
  .map((file) => ({ file, code: readFileSync(file, 'utf8') }))

type Translate = (key: string) => string

const placeholders = (text: string) =>
  [...new Set(text.replaceAll(/\{'.*?'\}/g, '').match(/\{\w+\}/g) ?? [])].sort()

describe('the two languages', () => {
  it('have the same keys', () => {
    expect(Object.keys(english).sort()).toEqual(Object.keys(chinese).sort())
  })

  it('have no empty text', () => {
    const empty = [...Object.entries(chinese), ...Object.entries(english)].filter(([, text]) => !text.trim())
    expect(empty).toEqual([])
  })

  it('fill the same places', () => {
    const different = Object.keys(chinese).filter(
      (key) => placeholders(chinese[key]!).join() !== placeholders(english[key] ?? '').join(),
    )
    expect(different).toEqual([])
  })

  it('are not left untranslated', () => {
    const untranslated = Object.entries(english).filter(([, text]) => /\p{Script=Han}/u.test(text))
    expect(untranslated).toEqual([])
  })

  it.each([
    ['zh-CN', textsOf('zh-CN')],
    ['en', textsOf('en')],
  ])('can all be read by vue-i18n: %s', (language, messages) => {
    const i18n = createI18n({ legacy: false, locale: language, messages: { [language]: messages } as never })
    const translate = (i18n.global as unknown as { t: Translate }).t
    for (const key of Object.keys(chinese)) expect(() => translate(key)).not.toThrow()
  })
})

describe('every key a page asks for', () => {
  it('exists', () => {
    const asked = sources.flatMap(({ file, code }) =>
      [...code.matchAll(/\bt\(\s*'([\w.]+)'/g), ...code.matchAll(/(?:title|text): '((?:\w+\.)+\w+)'/g)].map(
        ([, key]) => `${file} ${key}`,
      ),
    )
    expect(asked.length).toBeGreaterThan(200)
    expect(asked.filter((one) => !((one.split(' ')[1] ?? '') in chinese))).toEqual([])
  })

  it('is begun by existing texts where its end is computed', () => {
    const begun = sources.flatMap(({ code }) => [...code.matchAll(/\bt\(\s*`([\w.]+)\.\$\{/g)].map(([, start]) => start!))
    expect(begun.length).toBeGreaterThan(20)
    const known = Object.keys(chinese)
    expect(begun.filter((start) => !known.some((key) => key.startsWith(`${start}.`)))).toEqual([])
  })
})

describe('no page', () => {
  it('speaks Chinese outside its texts', () => {
    const spoken = sources
      .filter(({ file }) => file.endsWith('.vue'))
      .flatMap(({ file, code }) => {
        const template = code.slice(code.indexOf('<template>')).replaceAll(/<!--[\s\S]*?-->/g, '')
        return /\p{Script=Han}/u.test(template.replaceAll(/'中文'/g, '')) ? [file] : []
      })
    expect(spoken).toEqual([])
  })
})
