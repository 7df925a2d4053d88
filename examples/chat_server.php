<?php // A chat server on the event loop. Line N of this file is line N of chat_server.py.

// Usage: php chat_server.php tcp://127.0.0.1:6667 [seconds of silence, 300]

// built in: $argv, exit()

require_once __DIR__ . '/event_loop.php';

// built in: the stream functions and their constants

const LONGEST_LINE = 1000;
const LONGEST_QUEUE = 1000000;


class Client {
    // Somebody who is connected: a stream, what came of a line so far, what waits to be sent.

    public $incoming, $name, $outgoing, $peer, $stream, $timer;

    public function __construct($stream, $peer) {
        // The first line will be the name.
        $this->stream = $stream;
        $this->peer = $peer;
        $this->name = '';
        $this->incoming = '';
        $this->outgoing = '';
        $this->timer = 0;
    }
}
class ChatServer {
    // Whoever connects says a name, and then reads what the others say.

    public $clients, $loop, $patience, $server;

    public function __construct($loop, $patience) {
        // $patience: after how many seconds of silence a client is sent away.
        $this->loop = $loop;
        $this->patience = $patience;
        $this->clients = [];
        $this->server = false;
    }
    public function listen($address) {
        // Begins to serve; false when the address cannot be had.
        $this->server = stream_socket_server($address, $errno, $errstr);
        if (!$this->server)
            return false;
        stream_set_blocking($this->server, false);
        $this->loop->read($this->server, [$this, 'accept']);
        return stream_socket_get_name($this->server, false);
    }
    public function accept($server) {
        // Somebody connected; or did, and is gone again.
        $level = error_reporting(0);
        $stream = stream_socket_accept($server, 0, $peer);
        error_reporting($level);
        if (!$stream)
            return;
        stream_set_blocking($stream, false);
        $client = new Client($stream, $peer);
        $this->clients[(int) $stream] = $client;
        $this->loop->read($stream, [$this, 'receive']);
        $this->wait_for($client);
        show("$peer connected");
        $this->send($client, "What is your name?\n");
    }
    public function receive($stream) {
        // Some bytes: the end of a line, or two lines, or a part of one.
        $client = $this->clients[(int) $stream];
        $data = fread($stream, 8192);
        if ($data === false || $data === '')
            return feof($stream) ? $this->leave($client, 'left') : null;
        $this->wait_for($client);
        $lines = explode("\n", $client->incoming . $data);
        $client->incoming = array_pop($lines);
        foreach ($lines as $line)
            $this->take_line($client, rtrim($line, "\r"));
        if (strlen($client->incoming) > LONGEST_LINE)
            $this->leave($client, 'was sent away: too long a line');
    }
    public function take_line($client, $line) {
        // A line of somebody who may have left with the line before.
        if (!isset($this->clients[(int) $client->stream]))
            return;
        if ($client->name === '')
            return $this->join($client, $line);
        if ($line === '/quit')
            return $this->leave($client, 'left');
        if ($line === '/who')
            return $this->send($client, '* ' . $this->who() . "\n");
        $this->broadcast($client->name . ': ' . $line . "\n", $client);
    }
    public function join($client, $name) {
        // The name must be new, and letters and digits.
        if (!ctype_alnum($name) || strlen($name) > 20 || in_array($name, $this->names(), true))
            return $this->send($client, "Another name, please.\n");
        $client->name = $name;
        show("$client->peer is $client->name");
        $this->broadcast('* ' . $client->name . " joined\n");
    }
    public function leave($client, $how) {
        // Whatever the reason: the stream is closed, and the others are told.
        if (!isset($this->clients[(int) $client->stream]))
            return;
        unset($this->clients[(int) $client->stream]);
        $this->loop->cancel($client->timer);
        $this->loop->forget($client->stream);
        fclose($client->stream);
        show("$client->peer $how");
        if ($client->name !== '')
            $this->broadcast('* ' . $client->name . ' ' . $how . "\n");
    }
    public function names() {
        // Of all who have said theirs.
        $clients = array_filter($this->clients, fn($client) => $client->name !== '');
        return array_map(fn($client) => $client->name, array_values($clients));
    }
    public function who() {
        // The names in the order in which they connected.
        return implode(' ', $this->names());
    }
    public function broadcast($line, $but = null) {
        // To all who have a name, but one.
        foreach ($this->clients as $client)
            $client->name !== '' && $client !== $but && $this->send($client, $line);
    }
    public function send($client, $data) {
        // Puts it in the queue, which is sent when the stream can take it.
        $client->outgoing .= $data;
        if (strlen($client->outgoing) > LONGEST_QUEUE)
            $this->loop->after(0, fn() => $this->leave($client, 'was sent away: reads too slowly'));
        $this->loop->write($client->stream, [$this, 'flush']);
    }
    public function flush($stream) {
        // Sends what the stream takes now.
        $client = $this->clients[(int) $stream];
        $level = error_reporting(0);
        $sent = fwrite($stream, $client->outgoing);
        error_reporting($level);
        if ($sent === false)
            return $this->leave($client, 'left');
        $client->outgoing = substr($client->outgoing, $sent);
        if ($client->outgoing === '')
            $this->loop->stop_writing($stream);
    }
    public function wait_for($client) {
        // From now on the patience counts anew.
        $this->loop->cancel($client->timer);
        $client->timer = $this->loop->after($this->patience, fn() => $this->leave($client, 'fell asleep'));
    }
}
function show($text) {
    // The server's own log goes to standard output.
    fwrite(STDOUT, "$text\n");
}

function main($address, $patience = 300) {
    // Serves until the process is ended.
    $loop = new EventLoop();
    $server = new ChatServer($loop, (float) $patience);
    $name = $server->listen($address);
    if (!$name)
        return 1;
    show("listening on $name");
    $loop->run();
    return 0;
}

if (realpath($_SERVER['SCRIPT_FILENAME']) === __FILE__)
    exit(main(...array_slice($argv, 1)));
