<?php // An SMTP mailer on PHP's stream functions. Line N of this file is line N of mailer.py.

// Usage: php mailer.php job.json (README.md shows a job)

// built in: base64_encode(), base64_decode()
// built in: hash_hmac()
// built in: json_decode()
// built in: preg_replace()
// built in: $argv, exit()

// built in: the stream functions and their constants


class Mailer {
    // One SMTP connection: connect, hello, start_tls, authenticate; mail, recipient, data; quit.

    public $conn, $debug, $errors, $extensions, $reply, $timeout;

    public function __construct($debug, $timeout = 30) {
        // $debug gets each line of the dialogue. $timeout: seconds for the connect, and for each reply.
        $this->conn = null;
        $this->debug = $debug;
        $this->timeout = $timeout;
        $this->extensions = [];
        $this->reply = '';
        $this->errors = [];
    }
    public function connect($host, $port, $security, $ssl, $connector) {
        // Security 'ssl' and 'tls': the TLS handshake is part of the connect. $ssl: the context's options.
        $address = in_array($security, ['ssl', 'tls']) ? "$security://$host" : $host;
        set_error_handler([$this, 'error_handler']);
        if ($connector === 'stream_socket_client') {
            $context = stream_context_create(['ssl' => $ssl]);
            $url = "$address:$port";
            $this->conn = stream_socket_client($url, $errno, $errstr, $this->timeout, STREAM_CLIENT_CONNECT, $context);
        } else {
            $this->conn = fsockopen($address, $port, $errno, $errstr, $this->timeout);
        }
        restore_error_handler();
        if (!$this->conn)
            return $this->set_error("Could not connect to $address:$port: [$errno] $errstr");
        foreach ($ssl as $name => $value)
            stream_context_set_option($this->conn, 'ssl', $name, $value);
        stream_set_timeout($this->conn, $this->timeout);
        $this->log_encryption();
        return $this->read_reply(['220']);
    }
    public function hello($name) {
        // EHLO, or HELO where the server knows nothing else. What it can do is in $this->extensions.
        $this->extensions = [];
        if (!$this->command("EHLO $name", ['250']))
            return $this->reply !== '' && $this->command("HELO $name", ['250']);
        foreach (array_slice(explode("\r\n", rtrim($this->reply, "\r\n")), 1) as $line) {
            $words = explode(' ', strtoupper(substr($line, 4)));
            $this->extensions[$words[0]] = array_slice($words, 1);
        }
        return true;
    }
    public function start_tls() {
        // Asks for TLS, then switches to it. After a false nothing may be sent: it would go out in the clear.
        if (!isset($this->extensions['STARTTLS']))
            return $this->set_error('The server does not offer STARTTLS');
        if (!$this->command('STARTTLS', ['220']))
            return false;
        $method = STREAM_CRYPTO_METHOD_TLSv1_2_CLIENT | STREAM_CRYPTO_METHOD_TLSv1_3_CLIENT;
        set_error_handler([$this, 'error_handler']);
        $encrypted = stream_socket_enable_crypto($this->conn, true, $method);
        restore_error_handler();
        if ($encrypted !== true)
            return $this->set_error('The connection could not be encrypted');
        $this->log_encryption();
        return true;
    }
    public function authenticate($user, $password, $mechanism) {
        // CRAM-MD5 proves that the password is known; LOGIN and PLAIN send it.
        if (!in_array($mechanism, $this->extensions['AUTH'] ?? []))
            return $this->set_error("The server does not offer AUTH $mechanism");
        switch ($mechanism) {
            case 'PLAIN':
                $token = base64_encode("\0$user\0$password");
                return $this->command("AUTH PLAIN $token", ['235'], 'AUTH PLAIN (secret)');
            case 'LOGIN':
                if (!$this->command('AUTH LOGIN', ['334']))
                    return false;
                if (!$this->command(base64_encode($user), ['334']))
                    return false;
                return $this->command(base64_encode($password), ['235'], '(secret)');
            case 'CRAM-MD5':
                if (!$this->command('AUTH CRAM-MD5', ['334']))
                    return false;
                $letters = preg_replace('#[^A-Za-z0-9+/]#', '', substr($this->reply, 4));
                $challenge = base64_decode($letters);
                $answer = "$user " . hash_hmac('md5', $challenge, $password);
                return $this->command(base64_encode($answer), ['235']);
        }
        return $this->set_error("AUTH $mechanism is not known here");
    }
    public function mail($sender) {
        // Begins a message.
        $body = isset($this->extensions['8BITMIME']) ? ' BODY=8BITMIME' : '';
        return $this->command("MAIL FROM:<$sender>$body", ['250']);
    }
    public function recipient($to) {
        // Adds a recipient; 251 says that the server will forward.
        return $this->command("RCPT TO:<$to>", ['250', '251']);
    }
    public function data($message) {
        // The message: CRLF at the end of each line, and a dot more before a line that begins with a dot.
        if (!$this->command('DATA', ['354']))
            return false;
        $lines = explode("\n", str_replace(["\r\n", "\r"], "\n", $message));
        if (end($lines) === '')
            array_pop($lines);
        foreach ($lines as $line) {
            $stuffing = substr($line, 0, 1) === '.' ? '.' : '';
            if (!$this->client_send($stuffing . $line . "\r\n"))
                return false;
        }
        $count = count($lines);
        return $this->command('.', ['250'], "($count lines) .");
    }
    public function quit() {
        // Says goodbye, then closes.
        $polite = $this->command('QUIT', ['221']);
        $this->close();
        return $polite;
    }
    public function close() {
        // Closes the connection if there is one.
        if (is_resource($this->conn))
            fclose($this->conn);
        $this->conn = null;
    }
    public function error_handler($level, $text, $file = '', $line = 0) {
        // Collects the warnings: when TLS fails they alone say why; $errno is 0 then, and $errstr empty.
        $this->errors[] = $text;
        return true;
    }
    public function set_error($text) {
        // Collects an error of the mailer's own.
        $this->errors[] = $text;
        return false;
    }
    public function command($text, $expected, $shown = null) {
        // One line out, one reply in. The dialogue has $shown in place of a $text that holds a secret.
        ($this->debug)('C: ' . ($shown ?? $text));
        return $this->client_send("$text\r\n") && $this->read_reply($expected);
    }
    public function client_send($data) {
        // Writes all of it. When the connection is broken fwrite gives false, and its notice says why.
        if (!is_resource($this->conn))
            return $this->set_error('Not connected');
        set_error_handler([$this, 'error_handler']);
        $written = 0;
        while ($written < strlen($data)) {
            $count = fwrite($this->conn, substr($data, $written));
            if (!$count)
                break;
            $written += $count;
        }
        restore_error_handler();
        return $written === strlen($data) || $this->set_error('The connection broke while sending');
    }
    public function read_reply($expected) {
        // Reads one reply, and compares its code.
        $this->reply = $this->get_lines();
        if ($this->reply === '')
            return false;
        $text = rtrim($this->reply, "\r\n");
        foreach (explode("\r\n", $text) as $line)
            ($this->debug)('S: ' . $line);
        if (in_array(substr($this->reply, 0, 3), $expected))
            return true;
        return $this->set_error("The server said: $text");
    }
    public function get_lines() {
        // Reads up to a line whose fourth byte is no hyphen. '' when the connection or the time ends first.
        $reply = '';
        while (is_resource($this->conn) && !feof($this->conn)) {
            $read = [$this->conn];
            $none = null;
            $ready = stream_select($read, $none, $none, $this->timeout);
            if (!$ready)
                break;
            $line = fgets($this->conn);
            if ($line === false || stream_get_meta_data($this->conn)['timed_out'])
                break;
            $reply .= $line;
            if (substr($line, 3, 1) !== '-')
                return $reply;
        }
        $ended = stream_get_meta_data($this->conn)['eof'];
        $this->set_error($ended ? 'The server hung up' : "No whole reply within $this->timeout seconds");
        return '';
    }
    public function log_encryption() {
        // Shows the protocol and the cipher, once there are any.
        $crypto = stream_get_meta_data($this->conn)['crypto'] ?? null;
        if ($crypto)
            ($this->debug)("T: {$crypto['protocol']} {$crypto['cipher_name']}");
    }
}
function send_messages($mailer, $job) {
    // Everything that the job asks for; false at the first thing that fails.
    if (!$mailer->connect($job['host'], $job['port'], $job['security'], $job['ssl'], $job['connector']))
        return false;
    if (!$mailer->hello($job['helo']))
        return false;
    if ($job['security'] === 'starttls' && !($mailer->start_tls() && $mailer->hello($job['helo'])))
        return false;
    if ($job['auth'] && !$mailer->authenticate($job['user'], $job['password'], $job['auth']))
        return false;
    foreach ($job['messages'] as $message) {
        if (!$mailer->mail($message['from']))
            return false;
        foreach ($message['to'] as $to) {
            if (!$mailer->recipient($to))
                return false;
        }
        if (!$mailer->data(file_get_contents($message['file'])))
            return false;
    }
    return $mailer->quit();
}

function show($text) {
    // The dialogue goes to standard output.
    fwrite(STDOUT, "$text\n");
}

function main($file) {
    // Does one job. The exit status is 0 when every message was accepted.
    $job = json_decode(file_get_contents($file), true);
    $mailer = new Mailer('show', $job['timeout']);
    $sent = send_messages($mailer, $job);
    $mailer->close();
    foreach ($mailer->errors as $error)
        show("E: $error");
    return $sent ? 0 : 1;
}

if (realpath($_SERVER['SCRIPT_FILENAME']) === __FILE__)
    exit(main($argv[1]));
