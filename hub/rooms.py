"""The services of every room, built by hand, lowest room first. Nothing here starts anything."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
from procrastinate import App
from prometheus_client import CollectorRegistry

from alarms.attending import AlarmAttending
from alarms.flood.control import FloodControl
from alarms.flood.service import FloodService
from alarms.flood.tending import FloodTending
from alarms.handlers import LinkAlarms
from alarms.lockouts.service import LockoutService
from alarms.reminding import AskingPolicy
from alarms.service import AlarmService
from alarms.settings import AlarmSettings
from alarms.testing.service import TestWindowService
from alarms.windows.service import MaintenanceWindowService
from audit.room import Audit, build_audit
from automation.room import Automation, build_automation
from automation.settings import AutomationSettings
from building.profile import DeviceProfile
from catalog.dead_letters import DeadLetters
from catalog.directory import LiveDirectory
from catalog.discovery import Discovery
from catalog.editing import CatalogEditor
from catalog.service import CatalogService
from connectors.dingtalk import DingTalkClient, DingTalkSettings
from connectors.email import EmailClient, EmailSettings
from connectors.outward import Sender as OutwardSender
from connectors.outward import SystemResolver
from connectors.sms import SmsClient, SmsSettings
from connectors.voice import VoiceClient, VoiceSettings
from connectors.wechat import WeChatClient, WeChatSettings
from connectors.wecom import WeComClient, WeComSettings
from connectors.wecom_robot import WeComRobotClient, WeComRobotSettings
from device_adapters.commands.sending import AskingBus, Commands, NoBus
from device_adapters.mqtt.credentials import CredentialService
from hub.busy_times import AlarmsAndOrders
from hub.confirmed_failures import ConfirmedFailures
from hub.equipment_facts import LatestFacts
from hub.personal import holders
from hub.predicted_orders import PredictedOrdersEnd
from hub.settings import HubSettings
from hub.telemetry_proof import TelemetryProof
from insight.predictions.room import ModelMeasures, build_model_measures
from insight.room import Insight, build_insight
from insight.rules.room import RuleMeasures, build_rule_measures
from insight.settings import InsightSettings
from kit.answers import AnswerBook
from kit.clock import Clock
from kit.db import Database
from kit.i18n import Texts
from kit.secrets import SecretStore
from knowledge.editing import KnowledgeEditor
from knowledge.service import KnowledgeService
from linkage.room import Linkage, build_linkage
from linkage.settings import LinkageSettings
from notify.alerting.carriers import (
    DingTalkCarrier,
    EmailCarrier,
    MqttCarrier,
    TopicPublisher,
    WebhookCarrier,
    WeComRobotCarrier,
)
from notify.alerting.room import Alerting, AlertNeighbours, build_alerting
from notify.board import NotificationBoard
from notify.delivery import Deliverer
from notify.message import Composer
from notify.senders import Sender, SmsSender, VoiceSender, WeChatSender, WeComSender
from notify.service import NotifyService
from notify.settings import NotifySettings
from notify.template import TemplateRegistry
from owner_services.room import OwnerServices, build_owner_services
from owner_services.settings import OwnerServicesSettings
from people.contractors.service import ContractorService
from people.editing import PeopleEditor
from people.login import Logins
from people.passwords import Passwords
from people.rostering import Rostering
from people.service import PeopleService
from people.settings import LoginSettings
from people.throttle import LoginThrottle, ThrottlePolicy
from predictive.room import Predictive, PredictiveNeighbours, build_predictive
from predictive.settings import PredictiveSettings
from privacy.columns import let_go_of
from privacy.room import PrivacyRoom, build_privacy
from privacy.settings import PrivacySettings
from rules.service import RuleService
from rules.versions.room import RuleVersioning, build_versioning
from stock.service import StockService
from telemetry.history import READINGS_A_MESSAGE, READINGS_A_STRETCH
from telemetry.remote import RemoteTelemetry
from telemetry.service import TelemetryService
from telemetry.store import TelemetryQueries
from ticketing.handlers import is_work
from ticketing.outcome_book import OutcomeBook
from ticketing.report_links import ReportLinks
from ticketing.room import Neighbours, Ticketing, build_ticketing


@dataclass(frozen=True)
class Common:
    """What every room may be handed."""

    settings: HubSettings
    secrets: SecretStore
    database: Database
    jobs: App
    directory: LiveDirectory
    profiles: Mapping[str, DeviceProfile]
    texts: Texts
    clock: Clock
    registry: CollectorRegistry


@dataclass(frozen=True)
class CatalogRoom:
    service: CatalogService
    editor: CatalogEditor
    discovery: Discovery
    dead_letters: DeadLetters


def build_catalog(common: Common) -> CatalogRoom:
    return CatalogRoom(
        service=CatalogService(common.profiles),
        editor=CatalogEditor(common.profiles, common.clock),
        discovery=Discovery(common.profiles, common.clock, common.registry),
        dead_letters=DeadLetters(common.registry),
    )


@dataclass(frozen=True)
class PeopleRoom:
    service: PeopleService
    editor: PeopleEditor
    rostering: Rostering
    contractors: ContractorService
    throttle: LoginThrottle
    logins: Logins
    passwords: Passwords


def build_people(common: Common, catalog: CatalogRoom) -> PeopleRoom:
    settings = LoginSettings()
    passwords = Passwords()
    throttle = LoginThrottle(common.database, common.clock, ThrottlePolicy.of(settings))
    logins = Logins(
        secret=common.secrets.get("login_secret"), passwords=passwords, throttle=throttle, clock=common.clock,
        settings=settings, registry=common.registry,
    )  # fmt: skip
    return PeopleRoom(
        service=PeopleService(catalog.service, common.clock),
        editor=PeopleEditor(catalog.service, passwords, common.clock),
        rostering=Rostering(catalog.service, common.clock),
        contractors=ContractorService(catalog.service),
        throttle=throttle,
        logins=logins,
        passwords=passwords,
    )


@dataclass(frozen=True)
class Connectors:
    """Clients of outside services; `opened` keeps them open until the block ends."""

    account: WeChatSettings
    wechat: WeChatClient
    wecom: WeComClient
    sms: SmsClient
    voice: VoiceClient
    dingtalk: DingTalkClient
    wecom_robot: WeComRobotClient
    email: EmailClient

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        async with self.wechat, self.wecom, self.sms, self.voice, self.dingtalk, self.wecom_robot:
            yield


def build_connectors(common: Common) -> Connectors:
    account = WeChatSettings()
    return Connectors(
        account=account,
        wechat=WeChatClient(account, common.clock),
        wecom=WeComClient(WeComSettings(), common.clock),
        sms=SmsClient(SmsSettings(), common.clock),
        voice=VoiceClient(VoiceSettings(), common.clock),
        dingtalk=DingTalkClient(DingTalkSettings(), common.clock),
        wecom_robot=WeComRobotClient(WeComRobotSettings(), common.clock),
        email=EmailClient(EmailSettings(), common.clock),
    )


@dataclass(frozen=True)
class AlarmRoom:
    service: AlarmService
    links: LinkAlarms
    tests: TestWindowService
    attending: AlarmAttending
    windows: MaintenanceWindowService
    lockouts: LockoutService
    tending: FloodTending
    floods: FloodService


def build_alarms(common: Common, catalog: CatalogRoom, people: PeopleRoom) -> AlarmRoom:
    directory, clock = common.directory, common.clock
    service = AlarmService(directory, clock, registry=common.registry)
    return AlarmRoom(
        service=service,
        links=LinkAlarms(service, catalog.service, directory, common.texts, clock),
        tests=TestWindowService(catalog.service, directory, clock),
        attending=AlarmAttending(directory, people.service, clock, AskingPolicy.of(AlarmSettings())),
        windows=MaintenanceWindowService(catalog.service, clock),
        lockouts=LockoutService(catalog.service, directory, people.service, clock),
        tending=FloodTending(FloodControl(directory, clock), directory, clock),
        floods=FloodService(common.texts, clock),
    )


@dataclass(frozen=True)
class NotifyRoom:
    service: NotifyService
    deliverer: Deliverer
    board: NotificationBoard


def build_notify(common: Common, catalog: CatalogRoom, people: PeopleRoom, connectors: Connectors) -> NotifyRoom:
    settings = NotifySettings()
    templates = TemplateRegistry.load(settings.templates_file)
    composer = Composer(common.texts, link_base_url=settings.link_base_url or common.settings.base_url)
    service = NotifyService(
        app=common.jobs, people=people.service, catalog=catalog.service, templates=templates, settings=settings,
        clock=common.clock, registry=common.registry,
    )  # fmt: skip
    senders: list[Sender] = [
        WeChatSender(connectors.wechat, settings.wechat_templates),
        WeComSender(connectors.wecom),
        SmsSender(connectors.sms, settings.sms_templates),
        VoiceSender(connectors.voice, settings.voice_templates),
    ]
    deliverer = Deliverer(
        database=common.database, notify=service, people=people.service, templates=templates, composer=composer,
        senders=senders, clock=common.clock, registry=common.registry, keep_days=settings.keep_days,
    )  # fmt: skip
    return NotifyRoom(service, deliverer, NotificationBoard(notify=service, templates=templates, composer=composer))


def build_alert_room(
    common: Common, catalog: CatalogRoom, people: PeopleRoom, connectors: Connectors, alarms: AlarmRoom,
    notify: NotifyRoom, topics: TopicPublisher | None,
) -> Alerting:  # fmt: skip
    """`topics`: an MQTT client at the brokers; None in a process without one."""
    master, outward, settings = common.secrets.get("link_secret"), AutomationSettings(), NotifySettings()
    sender = OutwardSender(
        allowed=outward.networks, deadline_s=outward.webhook_deadline_s, resolver=SystemResolver(),
        trusted=httpx.create_ssl_context(trust_env=False),
    )  # fmt: skip
    return build_alerting(
        AlertNeighbours(
            database=common.database, app=common.jobs, alarms=alarms.service, tests=alarms.tests,
            catalog=catalog.service, people=people.service, notify=notify.service,
            carriers=(
                DingTalkCarrier(connectors.dingtalk), WeComRobotCarrier(connectors.wecom_robot),
                EmailCarrier(connectors.email), WebhookCarrier(sender, master=master, clock=common.clock),
                MqttCarrier(topics),
            ),
            allowed=outward.networks,
            robots={"dingtalk": connectors.dingtalk.robots, "wecom_robot": connectors.wecom_robot.robots},
            master=master, is_work=is_work, link_base_url=settings.link_base_url or common.settings.base_url,
            keep_days=settings.keep_days, texts=common.texts, clock=common.clock, registry=common.registry,
        )
    )  # fmt: skip


@dataclass(frozen=True)
class KnowledgeRoom:
    service: KnowledgeService
    editor: KnowledgeEditor


@dataclass(frozen=True)
class Rooms:
    """The services of every room."""

    answers: AnswerBook
    audit: Audit
    catalog: CatalogRoom
    people: PeopleRoom
    credentials: CredentialService
    connectors: Connectors
    alarms: AlarmRoom
    notify: NotifyRoom
    alerting: Alerting
    telemetry: TelemetryService
    knowledge: KnowledgeRoom
    stock: StockService
    rules: RuleService
    rule_versions: RuleVersioning
    ticketing: Ticketing
    owners: OwnerServices
    automation: Automation
    linkage: Linkage
    predictive: Predictive
    predicted_orders: PredictedOrdersEnd
    insight: Insight
    rule_measures: RuleMeasures
    model_measures: ModelMeasures
    privacy: PrivacyRoom


def build_rooms(
    common: Common, queries: TelemetryQueries, *, topics: TopicPublisher | None = None, bus: AskingBus | None = None,
    brokers: Sequence[str] = (),
) -> Rooms:  # fmt: skip
    """Without a bus no command reaches a device. `brokers`: the names of the installation's."""
    catalog = build_catalog(common)
    people = build_people(common, catalog)
    connectors = build_connectors(common)
    alarms = build_alarms(common, catalog, people)
    notify = build_notify(common, catalog, people, connectors)
    telemetry = TelemetryService(
        queries=queries, directory=common.directory, profiles=common.profiles, clock=common.clock
    )
    rules = RuleService(common.profiles, common.directory, common.texts, common.clock)
    stock = StockService(catalog=catalog.service, people=people.service, clock=common.clock)
    ticketing = build_ticketing(
        Neighbours(
            catalog=catalog.service, people=people.service, contractors=people.contractors,
            alarms=alarms.service, notify=notify.service,
            facts=LatestFacts(telemetry), proof=TelemetryProof(telemetry, rules, catalog.service, common.directory),
            texts=common.texts, clock=common.clock, registry=common.registry,
            links=ReportLinks(secret=common.secrets.get("link_secret"), clock=common.clock),
            files_dir=common.settings.files, stock=stock, link_secret=common.secrets.get("link_secret"),
        )
    )  # fmt: skip
    knowledge = KnowledgeRoom(KnowledgeService(common.clock), KnowledgeEditor(common.clock))
    owners = build_owner_services(
        database=common.database, app=common.jobs, catalog=catalog.service, people=people.service,
        editor=people.editor, notify=notify.service, ticketing=ticketing.service, attaching=ticketing.attaching,
        feedback=ticketing.feedback.service, knowledge=knowledge.service,
        wechat=connectors.wechat, account=connectors.account, settings=OwnerServicesSettings(), texts=common.texts,
        clock=common.clock, registry=common.registry,
    )  # fmt: skip
    automation = build_automation(
        database=common.database, app=common.jobs, catalog=catalog.service, people=people.service,
        notify=notify.service, ticketing=ticketing, settings=AutomationSettings(),
        master=common.secrets.get("link_secret"), clock=common.clock, registry=common.registry,
    )  # fmt: skip
    linkage = build_linkage(
        database=common.database, app=common.jobs,
        commands=Commands(
            bus or NoBus(), directory=common.directory, profiles=common.profiles, brokers=brokers, clock=common.clock
        ),
        alarms=alarms.service, catalog=catalog.service, people=people.service, notify=notify.service,
        settings=LinkageSettings(), clock=common.clock, registry=common.registry,
    )  # fmt: skip
    readings = READINGS_A_MESSAGE if isinstance(queries, RemoteTelemetry) else READINGS_A_STRETCH
    predictive = build_predictive(
        PredictiveNeighbours(
            database=common.database, app=common.jobs, alarms=alarms.service, catalog=catalog.service,
            queries=queries, directory=common.directory, profiles=common.profiles, secrets=common.secrets,
            visits=ticketing.predicted, texts=common.texts, clock=common.clock, registry=common.registry,
            busy=AlarmsAndOrders(OutcomeBook()), failures=ConfirmedFailures(OutcomeBook()), readings=readings,
        ),
        PredictiveSettings(),
    )  # fmt: skip
    audit = build_audit(common.clock, personal=let_go_of(), whereabouts=people.service)
    keeping = PrivacySettings()
    return Rooms(
        answers=AnswerBook(common.clock),
        audit=audit,
        catalog=catalog,
        people=people,
        credentials=CredentialService(common.profiles, catalog.service, common.clock),
        connectors=connectors,
        alarms=alarms,
        notify=notify,
        alerting=build_alert_room(common, catalog, people, connectors, alarms, notify, topics),
        telemetry=telemetry,
        knowledge=knowledge,
        stock=stock,
        rules=rules,
        rule_versions=build_versioning(rules, common.texts, common.clock),
        ticketing=ticketing,
        owners=owners,
        automation=automation,
        linkage=linkage,
        predictive=predictive,
        predicted_orders=PredictedOrdersEnd(predictive.predictions.service, ticketing.predicted, common.texts),
        privacy=build_privacy(
            holders=holders(audit, keeping, files=common.settings.files),
            openids=people.service.openids,
            settings=keeping,
            clock=common.clock,
            registry=common.registry,
        ),
        model_measures=build_model_measures(
            predictions=predictive.predictions,
            store=predictive.training.store,
            stock=stock,
            directory=common.directory,
            clock=common.clock,
        ),
        rule_measures=build_rule_measures(
            database=common.database,
            app=common.jobs,
            rules=rules,
            queries=queries,
            directory=common.directory,
            clock=common.clock,
            readings=readings,
        ),
        insight=build_insight(
            database=common.database,
            ticketing=ticketing,
            catalog=catalog.service,
            people=people.service,
            notify=notify.service,
            settings=InsightSettings(),
            texts=common.texts,
            clock=common.clock,
            registry=common.registry,
        ),
    )
