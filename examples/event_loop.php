<?php // An event loop on stream_select. Line N of this file is line N of event_loop.py.

// built in: INF
// built in: hrtime(), usleep()

// built in: the stream functions and their constants


function now() {
    // Seconds on a clock that nobody sets back.
    return hrtime(true) / 1e9;
}

class EventLoop {
    // Calls a function when a stream can be read or written without waiting, or when a time has come.

    public $last_timer, $on_readable, $on_writable, $reading, $running, $timers, $writing;

    public function __construct() {
        // Streams and their callbacks, by the stream's resource id; stream_select gives the keys back.
        $this->reading = [];
        $this->writing = [];
        $this->on_readable = [];
        $this->on_writable = [];
        $this->timers = [];
        $this->last_timer = 0;
        $this->running = false;
    }
    public function read($stream, $callback) {
        // Calls $callback($stream) whenever $stream has bytes, its end, or somebody to accept.
        $this->reading[(int) $stream] = $stream;
        $this->on_readable[(int) $stream] = $callback;
    }
    public function write($stream, $callback) {
        // Calls $callback($stream) whenever $stream takes bytes: at once, nearly always.
        $this->writing[(int) $stream] = $stream;
        $this->on_writable[(int) $stream] = $callback;
    }
    public function stop_reading($stream) {
        // From now on nobody is called when $stream can be read.
        unset($this->reading[(int) $stream]);
        unset($this->on_readable[(int) $stream]);
    }
    public function stop_writing($stream) {
        // From now on nobody is called when $stream can be written.
        unset($this->writing[(int) $stream]);
        unset($this->on_writable[(int) $stream]);
    }
    public function forget($stream) {
        // Before a stream is closed: a closed one among the others is a TypeError.
        $this->stop_reading($stream);
        $this->stop_writing($stream);
    }
    public function after($seconds, $callback) {
        // Calls $callback() once. Gives the timer, for cancel().
        return $this->add_timer($seconds, null, $callback);
    }
    public function every($seconds, $callback) {
        // Calls $callback() again and again. Gives the timer, for cancel().
        return $this->add_timer($seconds, $seconds, $callback);
    }
    public function add_timer($seconds, $interval, $callback) {
        // A timer: when it is due, how long until the next time, and what it calls.
        $this->last_timer += 1;
        $this->timers[$this->last_timer] = [now() + $seconds, $interval, $callback];
        return $this->last_timer;
    }
    public function cancel($timer) {
        // The timer does not call any more.
        unset($this->timers[$timer]);
    }
    public function stop() {
        // run() ends after the callbacks of this round.
        $this->running = false;
    }
    public function run() {
        // Ends when stop() was called, or when there is nothing left to wait for.
        $this->running = true;
        while ($this->running && ($this->reading || $this->writing || $this->timers)) {
            $this->wait($this->time_left());
            $this->run_timers();
        }
        $this->running = false;
    }
    public function time_left() {
        // Seconds until the first timer is due; null when there is no timer.
        if (!$this->timers)
            return null;
        return max(0, min(array_column($this->timers, 0)) - now());
    }
    public function wait($left) {
        // Waits that long at most, then calls back for the streams that are ready.
        if (!$this->reading && !$this->writing)
            return usleep((int) ($left * 1e6));
        $seconds = $left === null ? null : (int) $left;
        $micros = $left === null ? 0 : (int) (($left - $seconds) * 1e6);
        $read = $this->reading;
        $write = $this->writing;
        $none = null;
        $level = error_reporting(0); // a signal ends the wait with a warning: the next round waits again
        $ready = stream_select($read, $write, $none, $seconds, $micros);
        error_reporting($level);
        if (!$ready)
            return;
        foreach ($read as $key => $stream)
            $this->call_back($this->on_readable[$key] ?? null, $stream);
        foreach ($write as $key => $stream)
            $this->call_back($this->on_writable[$key] ?? null, $stream);
    }
    public function call_back($callback, $stream) {
        // There is none any more when another callback of this round has ended the interest.
        if ($callback !== null)
            $callback($stream);
    }
    public function run_timers() {
        // Those that are there now; what a callback adds waits for the next round.
        foreach (array_keys($this->timers) as $timer)
            $this->run_timer($timer);
    }
    public function run_timer($timer) {
        // Calls back if it is due, and not cancelled since.
        [$due, $interval, $callback] = $this->timers[$timer] ?? [INF, null, null];
        if ($due > now())
            return;
        $this->cancel($timer);
        if ($interval !== null)
            $this->timers[$timer] = [now() + $interval, $interval, $callback];
        $callback();
    }
}
