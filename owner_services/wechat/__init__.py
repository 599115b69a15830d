"""The Official Account's callback: envelope, inbox, conversation."""
