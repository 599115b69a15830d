"""Thin clients of outside services. A refusal says whether to try again, to give up, or that nobody can know."""
