"""Kills, pauses and starves a running hub while devices and owners talk to it, then asks what was lost.

A tester from outside: it starts the hub's own commands as processes, enters by MQTT, HTTP and the (fake) WeChat, and
compares its own log of what was acknowledged with what the hub's API and tables say.
"""
