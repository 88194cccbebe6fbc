"""From Pub/Sub messages to workflows: envelopes, tokens, one translation, and two ways in (push and pull).

Only `pubsub` imports Google's client, and it is imported only where messages are pulled or published: it costs a
second of start-up and 60 MB that neither the push endpoint nor the worker needs.
"""
