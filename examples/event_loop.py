"""An event loop on stream_select. Line N of this file is line N of event_loop.php."""

import math
import time

from php_streams import *


def now():
    # Seconds on a clock that nobody sets back.
    return time.monotonic()


class EventLoop:
    """Calls a function when a stream can be read or written without waiting, or when a time has come."""

    __slots__ = ("last_timer", "on_readable", "on_writable", "reading", "running", "timers", "writing")

    def __init__(self):
        # Streams and their callbacks, by the stream's resource id; stream_select gives the keys back.
        self.reading = {}
        self.writing = {}
        self.on_readable = {}
        self.on_writable = {}
        self.timers = {}
        self.last_timer = 0
        self.running = False

    def read(self, stream, callback):
        # Calls callback(stream) whenever stream has bytes, its end, or somebody to accept.
        self.reading[int(stream)] = stream
        self.on_readable[int(stream)] = callback

    def write(self, stream, callback):
        # Calls callback(stream) whenever stream takes bytes: at once, nearly always.
        self.writing[int(stream)] = stream
        self.on_writable[int(stream)] = callback

    def stop_reading(self, stream):
        # From now on nobody is called when stream can be read.
        self.reading.pop(int(stream), None)
        self.on_readable.pop(int(stream), None)

    def stop_writing(self, stream):
        # From now on nobody is called when stream can be written.
        self.writing.pop(int(stream), None)
        self.on_writable.pop(int(stream), None)

    def forget(self, stream):
        # Before a stream is closed: a closed one among the others is a TypeError.
        self.stop_reading(stream)
        self.stop_writing(stream)

    def after(self, seconds, callback):
        # Calls callback() once. Gives the timer, for cancel().
        return self.add_timer(seconds, None, callback)

    def every(self, seconds, callback):
        # Calls callback() again and again. Gives the timer, for cancel().
        return self.add_timer(seconds, seconds, callback)

    def add_timer(self, seconds, interval, callback):
        # A timer: when it is due, how long until the next time, and what it calls.
        self.last_timer += 1
        self.timers[self.last_timer] = [now() + seconds, interval, callback]
        return self.last_timer

    def cancel(self, timer):
        # The timer does not call any more.
        self.timers.pop(timer, None)

    def stop(self):
        # run() ends after the callbacks of this round.
        self.running = False

    def run(self):
        # Ends when stop() was called, or when there is nothing left to wait for.
        self.running = True
        while self.running and (self.reading or self.writing or self.timers):
            self.wait(self.time_left())
            self.run_timers()

        self.running = False

    def time_left(self):
        # Seconds until the first timer is due; None when there is no timer.
        if not self.timers:
            return None
        return max(0, min(due for due, *_ in self.timers.values()) - now())

    def wait(self, left):
        # Waits that long at most, then calls back for the streams that are ready.
        if not self.reading and not self.writing:
            return time.sleep(left)
        seconds = None if left is None else int(left)
        micros = 0 if left is None else int((left - seconds) * 1e6)
        read = self.reading
        write = self.writing
        none = None
        level = error_reporting(0)  # a signal ends the wait with a warning: the next round waits again
        ready, read, write, none = stream_select(read, write, none, seconds, micros)
        error_reporting(level)
        if not ready:
            return
        for key, stream in read.items():
            self.call_back(self.on_readable.get(key), stream)
        for key, stream in write.items():
            self.call_back(self.on_writable.get(key), stream)

    def call_back(self, callback, stream):
        # There is none any more when another callback of this round has ended the interest.
        if callback is not None:
            callback(stream)

    def run_timers(self):
        # Those that are there now; what a callback adds waits for the next round.
        for timer in list(self.timers):
            self.run_timer(timer)

    def run_timer(self, timer):
        # Calls back if it is due, and not cancelled since.
        due, interval, callback = self.timers.get(timer, [math.inf, None, None])
        if due > now():
            return
        self.cancel(timer)
        if interval is not None:
            self.timers[timer] = [now() + interval, interval, callback]
        callback()
