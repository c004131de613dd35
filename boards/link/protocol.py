"""Commands, answers and sizes of the host link (docs/protocol.md)."""

from enum import IntEnum, IntFlag

VERSION = 1
"""Of the protocol; an answer to IDENTIFY begins with it, whatever the version."""
LONGEST = 254
"""Bytes of a message, checksum and all: then COBS adds exactly one."""
CHECKSUM = 4
"""Bytes of the CRC-32 at its end."""
REQUEST_HEAD = 2
"""Sequence number and command."""
ANSWER_HEAD = 3
"""Sequence number, command and part."""
REQUEST_PAYLOAD = LONGEST - CHECKSUM - REQUEST_HEAD
"""Bytes that a request may carry."""
ANSWER_PAYLOAD = LONGEST - CHECKSUM - ANSWER_HEAD - 1
"""Bytes that an answer may carry before its status."""
LOAD_HEAD = 6
"""Of the payload of LOAD: target, unit (2), address (3)."""
LOST = 8
"""So many bytes lost one after the other, without a whole frame between, reset the speed."""


class Command(IntEnum):
    """What a host asks for."""

    NONE = 0
    """No request: in an answer that belongs to none."""
    IDENTIFY = 1
    """Who is there; accepted with any sequence number, which it sets."""
    RESET = 2
    """Abandon a step that was sent in part."""
    SPEED = 3
    """Another speed of the line."""
    COUNTERS = 4
    """Of the last step, and of the line."""
    BEGIN = 5
    """A network will be loaded; from now on none is there."""
    LOAD = 6
    """Words for one memory."""
    COMMIT = 7
    """The network is complete, if the checksum is right."""
    RUN = 8
    """Inputs of steps, or a part of them."""


class Status(IntEnum):
    """How it went: the last byte of an answer."""

    OK = 0
    MORE = 1
    """Another part of the answer follows."""
    DAMAGED = 2
    """A frame arrived damaged and was dropped; of no request."""
    SEQUENCE = 3
    """Another sequence number was expected; nothing was done."""
    COMMAND = 4
    """No such command."""
    LENGTH = 5
    """Too few or too many bytes for this command."""
    NOT_LOADED = 6
    """There is no network."""
    REFUSED = 7
    """Not now, or not by this board."""
    CHECKSUM = 8
    """The words that arrived are not those that were sent, or of another network."""


class State(IntFlag):
    """What an answer to IDENTIFY says of the board."""

    LOADED = 1
    """There is a network."""
    LOADING = 2
    """One is being loaded."""
    PARTLY = 4
    """A step was sent in part."""


class Run(IntFlag):
    """Flags of RUN."""

    RESET = 1
    """The first step that begins in this frame sets states to zero."""
    ANSWER = 2
    """The last step that ends in this frame requests an answer."""
    EVERY = 4
    """Every step that ends in this frame does."""


class Loads(IntEnum):
    """What a board loads; the bitstream holds the rest."""

    NOTHING = 0
    ENTRIES = 1
    """Entries only, which are in SPRAM."""
    EVERYTHING = 2
