"""Strict parsers of the schedulers' directive languages, written from the manuals and independent of the generator.

Each module has `parse(text) -> Request` and raises `Refused` for whatever its manual does not allow, and for what the scheduler
would silently ignore. They stand in for the servers that no package brings (PBS, LSF, Flux).
"""
