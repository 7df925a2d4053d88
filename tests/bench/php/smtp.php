<?php
require __DIR__ . '/mailer.php';

function send($fp, $body, $lines)
{
    command($fp, 'MAIL FROM:<a@example.org>', '250');
    command($fp, 'RCPT TO:<b@example.org>', '250');
    command($fp, 'DATA', '354');
    if ($body === 'blob') {
        fwrite($fp, implode("\r\n", $lines) . "\r\n.\r\n");
    } else {
        foreach ($lines as $line) {
            fwrite($fp, $line . "\r\n");
        }
        fwrite($fp, ".\r\n");
    }
    reply($fp);
}

function work($host, $port, $n, $cafile, $body, $connections)
{
    $lines = array_merge(['Subject: bench', ''], array_fill(0, 60, str_repeat('seventy ', 9)));
    static $fp = null; // the one connection is opened before the clock starts
    for ($i = 0; $i < $n; $i++) {
        $fp ??= hello($host, $port, $cafile);
        send($fp, $body, $lines);
        if ($connections === 'each') {
            quit($fp);
            $fp = null;
        }
    }
    return $i;
}
