"""docs/rule-library.md, made from the library. `python -m tests.rules.library.page` writes it anew."""

from rules.schemas import RuleDefinition
from rules.shipped import shipped_rules
from tests.alarms.place import ROOT

PAGE = ROOT / "docs" / "rule-library.md"
HEAD = """# The library of rules

What the hub judges from the first day on, by kind of equipment. Every rule is an ordinary one ([rules](rules.md)): its
thresholds are parameters, an equipment may have its own, and any rule may be switched off or changed. Each is shown by
scenes in `tests/rules/library/`: one at least that raises it, to the second, and one that only looks like it. This page
is made from `rules/defaults/*.toml` (`python -m tests.rules.library.page`), and a test holds it true.

**What happens to a meter is an event.** A new meter, a register that rolls over and new current transformers change
figures and nothing else: `meter-register-moved`, `meter-ct-changed` and `water-register-moved` are warnings for the
accounts and raise no order, and the rules about leaks and loads do not take them for one. A new meter that begins less
than 0.5 m³ behind the old one cannot be told from water that flows back.

"Order" is the kind of work and its priority (1 is the most urgent); alarms of one fault mode on one equipment join one
order. Without one, the alarm is shown and told, and nobody is sent. Life-safety rules are marked ⚠.
"""


def page() -> str:
    groups: dict[str, list[RuleDefinition]] = {}
    for rule in shipped_rules():
        where = f"profile `{rule.profile}`" if rule.profile else f"every {str(rule.kind).replace('_', ' ')}"
        groups.setdefault(where, []).append(rule)
    parts = [HEAD]
    for where in sorted(groups):
        parts += [f"## For {where}\n", _table(groups[where])]
    return "\n".join(parts)


def _table(rules: list[RuleDefinition]) -> str:
    head = "| rule | name | condition | severity | fault mode | order | why these thresholds |"
    return "\n".join([head, "|---|---|---|---|---|---|---|", *(_line(rule) for rule in rules), ""])


def _line(rule: RuleDefinition) -> str:
    names = "<br>".join(rule.name.values())
    basis = "<br>".join((rule.basis or {}).values())
    order = f"{rule.order.kind} {rule.order.priority}" if rule.order else "—"
    key = f"`{rule.key}`" + (" ⚠" if rule.life_safety else "")
    cells = [key, names, _condition(rule), _severity(rule), f"`{rule.fault_mode}`", order, basis]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _severity(rule: RuleDefinition) -> str:
    return ", then ".join([rule.severity.value, *(level.severity.value for level in rule.levels)])


def _condition(rule: RuleDefinition) -> str:
    if rule.missing is not None:
        return f"silent for {rule.missing}"
    parts = [f"`{rule.condition}`" + _for(rule.for_)]
    parts += [f"{level.severity.value}: `{level.when}`" + _for(level.for_) for level in rule.levels]
    ends = f"ends: `{rule.clear}`" if rule.clear else "ends when it does not hold"
    parts.append(ends + _for(rule.clear_for))
    parts += [f"`{name}` = {value:g} {rule.units.get(name, '')}".strip() for name, value in rule.params.items()]
    parts += [f"`{name}` = {hours}" for name, hours in rule.schedules.items()]
    return "<br>".join(parts)


def _for(duration: str | None) -> str:
    return f" for {duration}" if duration else ""


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
