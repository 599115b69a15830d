/** The values of an equipment as they were when an order opened, by point key; null where there was none. */
export function valuesOf(facts: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(facts).map(([key, fact]) => [
      key,
      typeof fact === 'object' && fact !== null && 'value' in fact ? fact.value : fact,
    ]),
  )
}
