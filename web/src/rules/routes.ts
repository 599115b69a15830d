import type { RouteRecordRaw } from 'vue-router'

export const routes: RouteRecordRaw[] = [
  { path: 'rules', name: 'rules', component: () => import('./RuleList.vue'), meta: { title: 'rules.title' } },
  { path: 'rules/new', name: 'rule-new', component: () => import('./RulePage.vue'), meta: { title: 'rules.new' } },
  {
    path: 'rules/:ruleKey',
    name: 'rule',
    component: () => import('./RulePage.vue'),
    props: true,
    meta: { title: 'rules.one' },
  },
]
