"""What the registry of templates refuses. These are defects of ours or of a settings file, never of a user's input."""


class BadTemplate(ValueError):
    """A template file that breaks the rules of a channel; the message names the place."""


class UnknownTemplate(LookupError):
    """A template key that no registry file declares."""


class MissingFacts(LookupError):
    """A notice without a fact that its template shows."""
