<?php // A TLS echo server on the event loop. Line N of this file is line N of tls_echo_server.py.

// Usage: php tls_echo_server.php tcp://127.0.0.1:7007 certificate-and-key.pem

// built in: $argv, exit()

require_once __DIR__ . '/event_loop.php';

// built in: the stream functions and their constants

const HANDSHAKE_TIME = 10;
const HIGH_WATER = 1000000;


class TlsEchoServer {
    // Sends back what it gets, over TLS. No client waits for another one, whatever that one does.

    public $connections, $loop, $server, $timers, $waiting;

    public function __construct($loop) {
        // By the stream's resource id: the streams, what waits to be sent, the timers of handshakes.
        $this->loop = $loop;
        $this->connections = [];
        $this->waiting = [];
        $this->timers = [];
        $this->server = false;
    }
    public function listen($address, $certificate) {
        // Begins to serve; false when the address cannot be had.
        $context = stream_context_create(['ssl' => ['local_cert' => $certificate]]);
        $flags = STREAM_SERVER_BIND | STREAM_SERVER_LISTEN;
        $this->server = stream_socket_server($address, $errno, $errstr, $flags, $context);
        if (!$this->server)
            return false;
        stream_set_blocking($this->server, false);
        $this->loop->read($this->server, [$this, 'accept']);
        return stream_socket_get_name($this->server, false);
    }
    public function accept($server) {
        // Accepts in plaintext: the handshake comes step by step, while the others are served.
        $stream = stream_socket_accept($server, 0);
        if (!$stream)
            return;
        stream_set_blocking($stream, false);
        $this->connections[(int) $stream] = $stream;
        $this->waiting[(int) $stream] = '';
        $timer = $this->loop->after(HANDSHAKE_TIME, fn() => $this->close($stream, 'took too long'));
        $this->timers[(int) $stream] = $timer;
        $this->loop->read($stream, [$this, 'shake_hands']);
    }
    public function shake_hands($stream) {
        // One step: true when it stands, false when it failed, 0 when more has to come.
        $done = stream_socket_enable_crypto($stream, true, STREAM_CRYPTO_METHOD_TLS_SERVER);
        if ($done === false)
            return $this->close($stream, 'no handshake');
        if ($done === 0)
            return;
        $this->loop->cancel($this->timers[(int) $stream]);
        show(stream_get_meta_data($stream)['crypto']['protocol']);
        $this->loop->read($stream, [$this, 'receive']);
    }
    public function receive($stream) {
        // Takes what came, unless too much waits to be sent already.
        $data = fread($stream, 65536);
        if ($data !== false && $data !== '') {
            $this->waiting[(int) $stream] .= $data;
            $this->loop->write($stream, [$this, 'send']);
        }
        if (strlen($this->waiting[(int) $stream]) > HIGH_WATER)
            $this->loop->stop_reading($stream);
        if (feof($stream))
            $this->finish($stream);
    }
    public function send($stream) {
        // Sends what the stream takes now.
        $sent = fwrite($stream, $this->waiting[(int) $stream]);
        if ($sent === false)
            return $this->close($stream, 'broken');
        $this->waiting[(int) $stream] = substr($this->waiting[(int) $stream], $sent);
        if ($this->waiting[(int) $stream] === '')
            return $this->sent($stream);
    }
    public function sent($stream) {
        // All is sent: on with reading, if only to see the end.
        $this->loop->stop_writing($stream);
        $this->loop->read($stream, [$this, 'receive']);
    }
    public function finish($stream) {
        // The client will send no more; what it sent is still sent back.
        $this->loop->stop_reading($stream);
        if ($this->waiting[(int) $stream] === '')
            $this->close($stream, 'done');
    }
    public function close($stream, $why) {
        // Whatever the reason, nothing stays behind.
        $this->loop->cancel($this->timers[(int) $stream]);
        $this->loop->forget($stream);
        unset($this->connections[(int) $stream]);
        unset($this->waiting[(int) $stream]);
        unset($this->timers[(int) $stream]);
        fclose($stream);
        show($why);
    }
    public function error_handler($level, $text, $file = '', $line = 0) {
        // A client that knows no TLS is no reason to end: its warnings go to the log.
        show("! $text");
        return true;
    }
}
function show($text) {
    // The server's own log goes to standard output.
    fwrite(STDOUT, "$text\n");
}

function main($address, $certificate) {
    // Serves until the process is ended.
    $loop = new EventLoop();
    $server = new TlsEchoServer($loop);
    set_error_handler([$server, 'error_handler']);
    $name = $server->listen($address, $certificate);
    if (!$name)
        return 1;
    show("listening on $name");
    $loop->run();
    return 0;
}

if (realpath($_SERVER['SCRIPT_FILENAME']) === __FILE__)
    exit(main(...array_slice($argv, 1)));
