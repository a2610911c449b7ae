"""What a person can configure about playing and handing out clips. Pure."""

from pydantic import Field

from backend.config.values import Bytes, Seconds, Section


class PlaybackConfig(Section):
    """`playback:` of config.yaml."""

    url_lifetime: Seconds = Field(default=300.0, ge=1, le=600)
    """How long an address of the object store works that a browser is given."""
    clean_cache: Bytes = Field(default=2 << 30, ge=0)
    """How much of the disk clean forms may take while nobody reads them."""
