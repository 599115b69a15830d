"""Composition: settings, bootstrap, pipeline, subscriptions, API, command line. Imports all; nobody imports it."""
