<?php
// The programs of test_wrappers.py in PHP: reads them serialized from the file that FUZZ_PROGRAMS names, and
// prints their logs.

class Text {
    public $text;
    function __construct($text) { $this->text = $text; }
    function __toString() { return $this->text; }
}
class State { public static $number, $log, $answers, $turns, $url; }
function shown($value) {
    if (is_string($value)) {
        return strlen($value) > 60 ? strlen($value) . ' bytes ' . md5($value) : "'$value'";
    }
    if (is_array($value)) {
        return '[' . implode(' ', array_map('shown', $value)) . ']';
    }
    return is_resource($value) || is_object($value) ? gettype($value) : json_encode($value);
}
function answer($number, $method, $arguments) {
    if ($number !== State::$number) {
        return false;  // an earlier program's stream, which something has kept
    }
    State::$log[] = rtrim("  $method " . implode(' ', array_map('shown', $arguments)));
    if (State::$turns[$method] > 30) {
        return ['stream_read' => '', 'stream_eof' => true][$method] ?? false;
    }
    $answers = State::$answers[$method];
    [$kind, $value] = $answers[State::$turns[$method]++ % count($answers)];
    switch ($kind) {
        case 'value': return $value;
        case 'bytes': return substr(str_repeat("a line of text\nand more ", $value), 0, $value);
        case 'object': return new stdClass;
        case 'text': return new Text($value);
        case 'throw': throw new DomainException($method);
    }
}
function act($name, $arguments) {
    static $fp, $dir, $filter;
    switch ($name) {
        case 'fopen': $fp = null; $fp = fopen(State::$url, ...$arguments); return (bool) $fp;
        case 'opendir': $dir = null; $dir = opendir(State::$url); return (bool) $dir;
        case 'readdir': case 'rewinddir': case 'closedir': return $dir ? $name($dir) : null;
        case 'stream_filter_append':
            $filter = stream_filter_append($fp, 'string.toupper', STREAM_FILTER_WRITE);
            return (bool) $filter;
        case 'stream_filter_remove': return stream_filter_remove($filter);
        case 'fed': return stream_copy_to_stream(fopen('data:,' . str_repeat('d', $arguments[0]), 'r'), $fp);
        case 'copied':
            $to = fopen('php://memory', 'w+');
            return [stream_copy_to_stream($fp, $to, ...$arguments), ftell($to)];
        case 'meta':
            $meta = stream_get_meta_data($fp);
            return [$meta['eof'], $meta['unread_bytes'], $meta['seekable']];
        case 'fstat': case 'stat': case 'lstat':
            clearstatcache();
            $status = $name($name === 'fstat' ? $fp : State::$url);
            return $status ? array_slice($status, 0, 13) : $status;
        case 'url':
            clearstatcache();
            $name = array_shift($arguments);
            return $name(State::$url, ...$arguments);
        case 'rename': return rename(State::$url, State::$url . 'b');
        case 'drop': $fp = $dir = $filter = null; return null;
        default: return $name($fp, ...$arguments);
    }
}
ini_set('display_errors', 'stderr');
set_error_handler(function ($level, $message) { State::$log[] = "! $message"; return true; });
$logs = [];
foreach (unserialize(file_get_contents(getenv('FUZZ_PROGRAMS'))) as $number => [$answers, $steps]) {
    State::$number = $number;
    State::$log = [];
    State::$answers = $answers;
    State::$turns = array_fill_keys(array_keys($answers), 0);
    State::$url = "fuzz$number://a";
    $methods = '';
    foreach ($answers as $method => $_) {
        $methods .= "function $method(...\$arguments) { return answer($number, '$method', \$arguments); }";
    }
    eval("class Fuzz$number { public \$context; $methods }");
    stream_wrapper_register("fuzz$number", "Fuzz$number");
    try {
        foreach ($steps as $step) {
            $name = array_shift($step);
            State::$log[] = rtrim("$name " . implode(' ', array_map('shown', $step)));
            State::$log[] = '= ' . shown(act($name, $step));
        }
    } catch (Throwable $error) {
        State::$log[] = get_class($error) . ' ' . $error->getMessage();
    }
    $logs[] = State::$log;
    State::$number = -1;
    try { act('drop', []); } catch (Throwable $error) { }
}
echo serialize($logs);
