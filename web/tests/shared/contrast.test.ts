import { readFileSync } from 'node:fs'

import { describe, expect, it } from 'vitest'

/** WCAG AA, computed from the tokens themselves. */
const css = readFileSync('src/shared/tokens.css', 'utf8')

function tokens(selector: string): Record<string, string> {
  const block = css.slice(css.indexOf(`${selector} {`))
  const body = block.slice(0, block.indexOf('\n}'))
  return Object.fromEntries([...body.matchAll(/--([\w-]+):\s*(#[0-9a-f]{6})/g)].map(([, name, value]) => [name!, value!]))
}

function luminance(hex: string): number {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const channel = parseInt(hex.slice(at, at + 2), 16) / 255
    return channel <= 0.03928 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!
}

function contrast(one: string, other: string): number {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a)
  return (light! + 0.05) / (dark! + 0.05)
}

const STATES = ['critical', 'major', 'minor', 'warning', 'suppressed']
const TEXT_PAIRS = [
  ...['ink', 'ink-2', 'ink-3', ...STATES].flatMap((text) => [
    [text, 'surface'],
    [text, 'ground'],
  ]),
  ...['ink', 'ink-2', 'ink-3'].map((text) => [text, 'sunken']),
  ...STATES.map((state) => [state, `${state}-wash`]),
  ['on-ink', 'ink'],
] as [string, string][]

const light = tokens(':root')
describe.each([
  ['light', light],
  ['dark', { ...light, ...tokens(':root[data-theme="dark"]') }],
])('the %s theme', (_, theme) => {
  it.each(TEXT_PAIRS)('has readable --%s on --%s', (text, ground) => {
    expect(contrast(theme[text]!, theme[ground]!)).toBeGreaterThanOrEqual(4.5)
  })

  it.each(['surface', 'ground'])('has field borders that stand out on --%s', (ground) => {
    expect(contrast(theme['line-strong']!, theme[ground]!)).toBeGreaterThanOrEqual(3)
  })
})
