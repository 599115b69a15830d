"""Text cut to what a service takes."""


def clip_bytes(text: str, limit: int) -> str:
    """The text within `limit` UTF-8 bytes, ending in … when something was cut off."""
    encoded = text.encode()
    if len(encoded) <= limit:
        return text
    return encoded[: limit - len("…".encode())].decode(errors="ignore") + "…"
