"""What stream_select asks of the kernel for one combination of lists, and what the answers mean.

PHP rebuilds its fd_sets at every call and select() walks them.  Event loops pass almost the same streams
again and again, so a Watch stays registered from call to call: equal lists cost a comparison, lists that
differ a little cost what differs, and a walk in C to find it.

A Watch holds raws, never streams: a stream that its program drops must be free to close itself.  Closing
takes the raw out of every poller it is in, while its descriptor is still its own.  An epoll knows open files,
not descriptors: where a copy of the file lives on (a forked child's), what was left in it would speak up
under a number that is another stream's by now.
"""

from __future__ import annotations

import errno
import os
import select as kernel
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

from php_streams._core.diagnostics import NO_HANDLER, handlers, warn
from php_streams._core.poller import ASKED, Events, Poller
from php_streams._core.raw import Raw
from php_streams._core.stream import Stream, no_stream

# Which answers count for the read, write and except sets (select(2) on Linux).
MEANT = (kernel.POLLIN | kernel.POLLHUP | kernel.POLLERR, kernel.POLLOUT | kernel.POLLERR, kernel.POLLPRI)

Sets = tuple[list[Stream] | None, list[Stream] | None, list[Stream] | None]
Ready = tuple[Sequence[int], Sequence[int], Sequence[int]]
Key = tuple[int | None, int | None, int | None]

_raw_of = attrgetter("raw")


class Unknown(Exception):
    """A file spoke up that was closed behind its stream's back, and lives on elsewhere."""


class Side:
    """One of the three sets: at which positions of its list each raw stands."""

    __slots__ = ("again", "key", "positions")

    def __init__(self, streams: Sequence[Stream], key: int | None) -> None:
        """AttributeError when a member is no open stream."""
        if not STREAMS.issuperset(map(type, streams)):
            raise AttributeError
        raws = list(map(_raw_of, streams))
        self.key = key
        self.positions: dict[Raw, int] = dict(zip(raws, range(len(raws)), strict=True))
        self.again: dict[Raw, list[int]] = {}
        if len(self.positions) < len(raws):
            for position, raw in enumerate(raws):
                if self.positions[raw] != position:  # which is the last one
                    self.again.setdefault(raw, []).append(position)

    def of(self, raw: Raw) -> Sequence[int]:
        """Where a raw stands."""
        position = self.positions.get(raw)
        if position is None:
            return ()
        return [position, *self.again[raw]] if raw in self.again else (position,)


STREAMS = frozenset([Stream])
NOBODY = Side([], None)


class Watch:
    """Registered with the kernel, and following the lists from call to call."""

    def __init__(self, large: bool) -> None:
        self.poller = Poller(large)
        self.key: Key | None = None  # of the lists it stands for; None while it stands for none
        self.sides = [NOBODY, NOBODY, NOBODY]
        self.descriptors: dict[Raw, int] = {}  # -1: it has none
        self.users: dict[int, list[Raw]] = {}  # two streams may share a descriptor
        self.mute: set[Raw] = set()  # nobody can wait for these, and each call says so
        self.moving: set[Raw] = set()  # these are asked for their descriptor in each call
        self.crowded = False  # a stream stands twice in a list, or two have one descriptor
        self.shares = False
        self.asked: list[tuple[int, int, Side]] = []
        self.look: Callable[[], Events] = list  # what is ready, without waiting

    def serves(self, key: Key) -> bool:
        """Whether it stands for these lists as it is."""
        return self.key == key and not self.poller.stale

    def follow(self, sets: Sets, key: Key) -> None:
        """Stands for these lists from now on; refuses what PHP refuses."""
        stale = self.poller.stale
        self.poller.stale, self.key = False, None
        sides = self.sides.copy()
        changed: set[Raw] = set()
        known = None
        try:
            for which in range(3):
                if stale or sides[which].key != key[which]:
                    before = sides[which].positions
                    sides[which] = Side(sets[which] or (), key[which])
                    changed |= before.keys() ^ sides[which].positions.keys()
            if self.moving or any(raw.descriptor_moves for raw in changed):
                known = check(sets)
        except BaseException as error:
            self.poller.stale = True
            if isinstance(error, AttributeError) and known is None:
                check(sets)
            raise
        self.sides = sides
        self.asked = [(MEANT[which], which, sides[which]) for which in range(3) if sides[which].positions]
        self._register(changed, known or {})
        self.crowded = bool(self.shares or sides[0].again or sides[1].again or sides[2].again)
        self.look = self.poller.looking()
        if known is None and (self.mute or not self.users):
            check(sets, self)
        elif not self.moving:
            self.key = key

    def _register(self, changed: set[Raw], known: dict[Raw, int | None]) -> None:
        """Tells the kernel; who left first, for his descriptor may be another's by now."""
        if self.moving:
            changed = changed | self.moving
            for raw in self.moving.copy():
                self._leave(raw)
        asked = []
        for raw in changed:
            mask = self._mask(raw)
            if mask:
                asked.append((raw, mask))
            elif raw in self.descriptors:
                self._leave(raw)
        for raw, mask in asked:
            descriptor = self.descriptors.get(raw)
            if descriptor is None:
                descriptor = self._come(raw, known[raw] if raw in known else raw.select_descriptor())
            if descriptor >= 0:
                self.poller.ask(descriptor, self._mask_of_all(descriptor) if self.shares else mask)

    def _mask(self, raw: Raw) -> int:
        """What is asked for one raw."""
        read, write, except_ = self.sides
        return (
            (ASKED[0] if raw in read.positions else 0)
            | (ASKED[1] if raw in write.positions else 0)
            | (ASKED[2] if raw in except_.positions else 0)
        )

    def _mask_of_all(self, descriptor: int) -> int:
        """What is asked for all raws of one descriptor."""
        mask = 0
        for raw in self.users.get(descriptor, ()):
            mask |= self._mask(raw)
        return mask

    def _come(self, raw: Raw, descriptor: int | None) -> int:
        raw.__dict__.setdefault("pollers", []).append(self.poller)
        if raw.descriptor_moves:
            self.moving.add(raw)
        if descriptor is None:
            self.mute.add(raw)
            descriptor = -1
        if descriptor >= 0:
            self.shares = self.shares or descriptor in self.users
            self.users.setdefault(descriptor, []).append(raw)
        self.descriptors[raw] = descriptor
        if raw.closed:  # by another thread, just now
            self.poller.stale = True
        return descriptor

    def _leave(self, raw: Raw) -> None:
        if self.poller in raw.pollers:  # a signal's handler may have raised before it was
            raw.pollers.remove(self.poller)
        self.mute.discard(raw)
        self.moving.discard(raw)
        descriptor = self.descriptors.pop(raw)
        users = self.users.get(descriptor)
        if users is not None:
            users.remove(raw)
            if not users:
                del self.users[descriptor]
            self.poller.ask(descriptor, self._mask_of_all(descriptor))

    def answer(self, events: Events) -> tuple[Ready, int]:
        """Events as positions, and how many PHP counts: like select(), a descriptor once for each set.

        OSError (EBADF) when a descriptor is none; Unknown for an event of a file that nobody asks for.
        """
        ready: tuple[list[int], list[int], list[int]] = ([], [], [])
        count = 0
        for descriptor, mask in events:
            users = self.users.get(descriptor)
            if users is None:
                raise Unknown
            if self.poller.stale:  # a stream was closed by another thread meanwhile
                users = [raw for raw in users if not raw.closed]
                if not users:
                    continue
            for meant, which, side in self.asked:
                if not mask & meant:
                    continue
                if self.crowded:
                    found = [position for raw in users for position in side.of(raw)]
                    count += bool(found)
                    ready[which].extend(found)
                elif (position := side.positions.get(users[0])) is not None:
                    count += 1
                    ready[which].append(position)
            if mask & kernel.POLLNVAL:
                raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        for chosen in ready:
            if len(chosen) > 1:
                chosen.sort()
        return ready, count

    def renew(self) -> None:
        """Asks the kernel for the same once more, and for nothing that was left over."""
        old, self.poller = self.poller, Poller(self.poller.large)
        for raw in self.descriptors:
            pollers = raw.__dict__["pollers"]
            pollers[pollers.index(old)] = self.poller
        old.close()
        for descriptor in self.users:
            self.poller.ask(descriptor, self._mask_of_all(descriptor))
        self.look = self.poller.looking()

    def __del__(self) -> None:
        if hasattr(self, "look"):
            for raw in self.descriptors:
                if self.poller in raw.pollers:
                    raw.pollers.remove(self.poller)
            self.poller.close()


def check(sets: Sets, watch: Watch | None = None) -> dict[Raw, int | None]:
    """Warns of what cannot be waited for, and refuses what is no stream, or nothing but that.

    watch: knows the descriptors already.  Returns the descriptor of each raw.
    """
    known: dict[Raw, int | None] = {}
    if watch is not None:
        known = {**watch.descriptors, **dict.fromkeys(watch.mute)}
    unfit: list[Any] = []
    descriptors = 0
    for stream in (stream for streams in sets for stream in streams or ()):
        if stream.__class__ is not Stream or not stream.is_open:
            unfit.append(stream)
            continue
        raw = stream.raw
        if raw not in known or raw.descriptor_moves:
            known[raw] = raw.select_descriptor()
        descriptor = known[raw]
        descriptors += descriptor is not None and descriptor >= 0
        # While an exception is on its way PHP calls no error handler, and what it would hear is lost.
        if descriptor is None:
            if not unfit or handlers.get()[-1] is NO_HANDLER:
                warn(raw.why_not_selectable())
            unfit += raw.refused
    # PHP says nothing of members that are no streams when there is no stream beside them.
    if unfit and (descriptors or isinstance(unfit[0], tuple)):
        raise no_stream(_heard(unfit, sets[0] or ()))
    if not descriptors:
        raise ValueError("No stream arrays were passed")
    return known


def _heard(unfit: list[Any], read: Sequence[Any]) -> Any:
    """PHP complains of each, and the last is heard: the read set's, where a buffer there ends the search."""
    in_read = [one for one in read if one.__class__ is not Stream or not one.is_open]
    buffered = any(one.unread() for one in read if one.__class__ is Stream and one.is_open)
    return in_read[-1] if in_read and buffered else unfit[-1]


def look_back(sets: Sets) -> None:
    """PHP asks each stream for its descriptor once more after a wait, and warns once more."""
    for streams in sets:
        for stream in streams or ():
            raw = stream.raw
            if raw.select_descriptor() is None:
                warn(raw.why_not_selectable())
