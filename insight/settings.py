"""Settings of figures and digests."""

from datetime import time

from pydantic import Field

from kit.settings import Settings, settings_config


class InsightSettings(Settings):
    """HUB_INSIGHT_…; the time of the digest is local to each site."""

    model_config = settings_config("HUB_INSIGHT_")

    digest_at: time = Field(time(8, 0), description="when a site's managers get the digest of yesterday, local time")
    digests: bool = Field(True, description="whether managers get a digest every morning")
