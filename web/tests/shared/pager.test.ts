import { mount } from '@vue/test-utils'
import { describe, expect, it } from 'vitest'
import { createI18n } from 'vue-i18n'

import Pager from '@/shared/Pager.vue'
import en from '@/shared/locales/en.json'

function pager(props: { total: number; page: number; more?: boolean; deepest?: number }) {
  const i18n = createI18n({ legacy: false, locale: 'en', messages: { en: { shared: en } } })
  return mount(Pager, { props: { limit: 50, ...props }, global: { plugins: [i18n] } })
}

describe('a pager', () => {
  it('says that there is more than was counted', () => {
    expect(pager({ total: 1_050, page: 1, more: true }).text()).toContain('of 1,050+')
    expect(pager({ total: 1_050, page: 1 }).text()).not.toContain('+')
  })

  it('goes no further than the list does', () => {
    const next = (page: number) => pager({ total: 2_000, page, deepest: 1_000 }).find('button:last-child').attributes()
    expect(next(19)).not.toHaveProperty('disabled')
    expect(next(20)).toHaveProperty('disabled')
  })
})
