import { computed, type Ref, ref, watch } from 'vue'

/** What a list shows while it must not move under the reader's hand. */
export interface HeldView<Row> {
  rows: Row[]
  /** rows that wait above, not shown yet */
  waiting: number
}

/**
 * Keeps the shown order while held: rows are refreshed in place, new ones wait, vanished ones stay as last known.
 * Pure, so that the promise "nothing jumps under the cursor" is a test.
 */
export function holdRows<Row>(shown: readonly Row[], fresh: readonly Row[], idOf: (row: Row) => string): HeldView<Row> {
  const byId = new Map(fresh.map((row) => [idOf(row), row]))
  const shownIds = new Set(shown.map(idOf))
  return {
    rows: shown.map((row) => byId.get(idOf(row)) ?? row),
    waiting: fresh.filter((row) => !shownIds.has(idOf(row))).length,
  }
}

/**
 * The rows to show of a live list. While `isHeld` (scrolled down, pointer over it) new rows wait behind a button;
 * `release()` lets them in. A change of `scope` (filters, page) is the reader's own doing and shows at once.
 */
export function useHeldRows<Row>(options: {
  fresh: Ref<readonly Row[] | undefined>
  idOf: (row: Row) => string
  isHeld: Ref<boolean>
  scope: Ref<string>
}): { rows: Ref<Row[]>; waiting: Ref<number>; release: () => void } {
  const { fresh, idOf, isHeld, scope } = options
  const shown = ref<Row[]>([...(fresh.value ?? [])]) as Ref<Row[]>
  const shownScope = ref(scope.value)

  function release(): void {
    shown.value = [...(fresh.value ?? [])]
    shownScope.value = scope.value
  }

  watch([fresh, isHeld], () => {
    const isNewScope = shownScope.value !== scope.value
    if (!isHeld.value || isNewScope || shown.value.length === 0) release()
  })

  const view = computed(() => holdRows(shown.value, fresh.value ?? [], idOf))
  return { rows: computed(() => view.value.rows), waiting: computed(() => view.value.waiting), release }
}
