"""The room put together: what others hand in, what the hub registers."""

from dataclasses import dataclass
from importlib import import_module

from procrastinate import App
from prometheus_client import CollectorRegistry

from catalog.service import CatalogService
from connectors.wechat import WeChatClient, WeChatSettings
from kit.clock import Clock
from kit.db import Database
from kit.i18n import Texts
from kit.jobs import JobKind
from kit.sweeps import Sweep
from knowledge.service import KnowledgeService
from notify.service import NotifyService
from owner_services.answers import Answers
from owner_services.binding import Binding
from owner_services.locating import Locator
from owner_services.offering import Offering
from owner_services.reporting import OwnerReporting
from owner_services.settings import OwnerServicesSettings
from owner_services.webform import WebForm
from owner_services.wechat.conversation import Conversation
from owner_services.wechat.envelope import Envelope
from owner_services.wechat.inbox import Patience, WeChatInbox
from owner_services.wechat.offered import OfferedAnswers
from owner_services.wechat.wishes import SpokenWishes
from people.editing import PeopleEditor
from people.service import PeopleService
from ticketing.attaching import Attaching
from ticketing.feedback.service import FeedbackService
from ticketing.service import TicketingService

WITHIN_FIVE_SECONDS = Patience()


@dataclass(frozen=True)
class OwnerServices:
    """`provided`: the services that endpoints ask for by type."""

    envelope: Envelope
    inbox: WeChatInbox
    binding: Binding
    web_form: WebForm

    @property
    def provided(self) -> tuple[object, ...]:
        return self.envelope, self.inbox, self.binding, self.web_form

    def jobs(self) -> tuple[JobKind, ...]:
        return self.inbox.jobs()

    def sweeps(self) -> tuple[Sweep, ...]:
        return self.inbox.sweeps()


def build_owner_services(
    *,
    database: Database,
    app: App,
    catalog: CatalogService,
    people: PeopleService,
    editor: PeopleEditor,
    notify: NotifyService,
    ticketing: TicketingService,
    feedback: FeedbackService,
    knowledge: KnowledgeService,
    attaching: Attaching,
    wechat: WeChatClient,
    account: WeChatSettings,
    settings: OwnerServicesSettings,
    texts: Texts,
    clock: Clock,
    registry: CollectorRegistry,
    patience: Patience = WITHIN_FIVE_SECONDS,
) -> OwnerServices:
    if account.token is not None:
        import_module("wechatpy")  # takes longer than a message may wait: here, not with the first one
    answers = Answers(texts)
    binding = Binding(people=people, editor=editor, catalog=catalog, notify=notify, settings=settings, clock=clock)
    reporting = OwnerReporting(ticketing=ticketing, people=people, catalog=catalog, locator=Locator(catalog))
    offering = Offering(knowledge)
    conversation = Conversation(
        reporting=reporting,
        ticketing=ticketing,
        people=people,
        catalog=catalog,
        notify=notify,
        binding=binding,
        answers=answers,
        offered=OfferedAnswers(offering, answers),
        wishes=SpokenWishes(feedback, answers),
        clock=clock,
    )
    inbox = WeChatInbox(
        database=database,
        app=app,
        conversation=conversation,
        answers=answers,
        wechat=wechat,
        attaching=attaching,
        clock=clock,
        registry=registry,
        keep_days=settings.keep_message_days,
        patience=patience,
    )
    web_form = WebForm(reporting=reporting, offering=offering, catalog=catalog, answers=answers, clock=clock)
    return OwnerServices(Envelope(account, clock), inbox, binding, web_form)
