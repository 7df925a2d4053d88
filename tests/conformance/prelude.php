<?php
/*
 * The PHP side of the conformance harness: runs the PHP section of a case and frames what it shows.
 *
 * Everything goes through PHP's own output, so its order is the order in which it happened.  Diagnostics are
 * those that PHP itself displays, between error_prepend_string and error_append_string: no error handler is
 * set, so the handler stack, error_get_last() and @ are for the case exactly as they are for any script.
 */
namespace PhpStreams\Conformance {
    final class Frame
    {
        public static string $mark = '';

        /** What the harness handed over: the frame mark, the file to run, the variables of the case. */
        public static function open(): array
        {
            $given = unserialize(getenv('PHP_STREAMS_CASE'));
            putenv('PHP_STREAMS_CASE');
            unset($_ENV['PHP_STREAMS_CASE'], $_SERVER['PHP_STREAMS_CASE']);
            self::$mark = "\x1e" . $given['token'];
            ini_set('error_prepend_string', self::$mark . 'W');
            ini_set('error_append_string', self::$mark . 'E');
            return $given;
        }

        public static function write(string $kind, string ...$parts): void
        {
            echo self::$mark, $kind, implode("\x1f", $parts), self::$mark, 'E';
        }

        /** Ends the run: the case asked the harness for something it cannot do. */
        public static function refuse(string $reason): void
        {
            self::write('H', $reason);
            exit(70);
        }

        public static function check(string $label, $value): void
        {
            if (is_array($value)) {
                foreach ($value as $member) {
                    self::check($label, $member);
                }
            } elseif (gettype($value) === 'resource' || gettype($value) === 'resource (closed)') {
                self::refuse("see('$label'): a resource has a number, not a value; show what it does");
            } elseif (is_object($value)) {
                self::refuse("see('$label'): an object of class " . get_class($value) . ' cannot be compared; show its parts');
            }
        }
    }
}

namespace {
    use PhpStreams\Conformance\Frame;

    /** Shows a value in the transcript, as serialize() writes it. */
    function see(string $label, $value): void
    {
        Frame::check($label, $value);
        Frame::write('S', $label, serialize($value));
    }

    /** Shows a socket name without its port, for ports that the system chose. */
    function see_name(string $label, $name): void
    {
        see($label, is_string($name) ? preg_replace('/:\d+$/D', ':{any}', $name) : $name);
    }

    /** Waits so many seconds. */
    function pause(float $seconds): void
    {
        usleep((int) round($seconds * 1e6));
    }

    /** Forks: the child's number, and 0 in the child. */
    function fork(): int
    {
        if (!function_exists('pcntl_fork')) {
            Frame::refuse('fork(): php has no pcntl extension here');
        }
        return pcntl_fork();
    }

    /** Interrupts what this script waits for, so many seconds from now, by a signal that it handles. */
    function interrupt_after(float $seconds): void
    {
        if (!function_exists('pcntl_signal')) {
            Frame::refuse('interrupt_after(): php has no pcntl extension here');
        }
        pcntl_signal(SIGUSR1, static function () {}, false);
        exec(sprintf('(sleep %.3F; kill -USR1 %d) >/dev/null 2>&1 &', $seconds, getmypid()));
    }

    extract((static function (): array {
        $given = Frame::open();
        return $given['variables'] + ['__file' => $given['file']];
    })());
    $argv = [$__file];
    $argc = 1;
    try {
        require $__file;
    } catch (\Throwable $e) {
        Frame::write('X', get_class($e), $e->getMessage());
    }
}
