"""Outside services to test against: WeChat, WeCom, SMS and voice. Strict where the real ones are, and they remember.

Written apart from the hub's clients (no shared codec), so that neither tests itself.
"""
