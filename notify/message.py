"""A notification in its reader's language, ready for any channel."""

from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from kit.i18n import Language, Texts
from notify.template import Template, as_time, filled, parameters, wechat_fields

TEXT_PREFIX = "text:"


@dataclass(frozen=True)
class Message:
    """`reference` is the notification's id in hex: what a service may use to drop a repetition."""

    reference: str
    template: str
    title: str
    body: str
    wechat: Mapping[str, str]
    parameters: Mapping[str, str]
    link: str | None
    button: str


class Composer:
    """Puts templates, facts and words together."""

    def __init__(self, texts: Texts, *, link_base_url: str) -> None:
        self._texts = texts
        self._link_base_url = link_base_url.rstrip("/")

    def compose(
        self,
        template: Template,
        *,
        facts: Mapping[str, str],
        link: str | None,
        language: Language,
        zone: ZoneInfo,
        reference: str,
    ) -> Message:
        read = self._read(facts, language=language, zone=zone)
        chinese = self._read(facts, language=Language.ZH, zone=zone)
        title, body = self.words(template, facts=facts, language=language, zone=zone)
        return Message(
            reference=reference,
            template=template.key,
            title=title,
            body=body,
            wechat=wechat_fields(template, facts=read, chinese=chinese, zone=zone),
            parameters=parameters(template, facts=read),
            link=None if link is None else self._link_base_url + link,
            button=self._texts.text("notify.open", language),
        )

    def words(
        self, template: Template, *, facts: Mapping[str, str], language: Language, zone: ZoneInfo
    ) -> tuple[str, str]:
        """Title and body."""
        shown = self._read(facts, language=language, zone=zone)
        title, body = (self._pattern(template, part, language) for part in ("title", "body"))
        return filled(title, shown), filled(body, shown)

    def title(self, template: Template, language: Language) -> str:
        """The title of a message whose facts must not be shown."""
        return filled(self._pattern(template, "title", language), dict.fromkeys(template.facts, ""))

    def _pattern(self, template: Template, part: str, language: Language) -> str:
        # Braces stay in place, so that one rule (`filled`) shows empty facts everywhere.
        marked = {name: "{" + name + "}" for name in template.facts}
        return self._texts.text(f"notify.template.{template.key}.{part}", language, **marked)

    def _read(self, facts: Mapping[str, str], *, language: Language, zone: ZoneInfo) -> dict[str, str]:
        """Facts in the reader's language and the site's time: `text:<key>` stands for a text of any room."""
        known = self._texts.keys(language)
        read: dict[str, str] = {}
        for name, value in facts.items():
            key = value.removeprefix(TEXT_PREFIX)
            is_text = value.startswith(TEXT_PREFIX) and key in known
            read[name] = self._texts.text(key, language) if is_text else as_time(value, zone=zone)
        return read
