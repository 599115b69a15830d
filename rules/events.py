"""What happened to rules. Consumers: open screens; judges look at the book's revision themselves."""

from kit.events import Event


class RuleChanged(Event, frozen=True, kw_only=True):
    """A rule was made, changed, switched or removed. `site_id` is the rule's, or the nil UUID for every site."""

    key: str
