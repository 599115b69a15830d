"""Alarm lifecycle after ISA-18.2: one active alarm a (source, source id, equipment)."""
