"""The Sotto protocol, version 1, written from docs/protocol.md alone.

A check of the specification, not for production use. One module a noun; section numbers are those of docs/protocol.md.
"""
