<?php
// The steps of a mailer in the style of PHP's: a command, then its reply, line by line.
function reply($fp)
{
    $reply = '';
    while (!feof($fp)) {
        $read = [$fp];
        $write = $except = null;
        if (!stream_select($read, $write, $except, 30)) {
            break;
        }
        $line = fgets($fp, 512);
        $reply .= $line;
        if (!isset($line[3]) || $line[3] === ' ') {
            break;
        }
        if (stream_get_meta_data($fp)['timed_out']) {
            break;
        }
    }
    return $reply;
}

function command($fp, $command, $code)
{
    fwrite($fp, $command . "\r\n");
    $reply = reply($fp);
    if (substr($reply, 0, 3) !== $code) {
        throw new Exception("$command: $reply");
    }
}

function hello($host, $port, $cafile)
{
    $fp = fsockopen($host, $port, $errno, $errstr, 30);
    stream_set_timeout($fp, 30);
    reply($fp);
    command($fp, 'EHLO localhost', '250');
    if ($cafile !== '') {
        command($fp, 'STARTTLS', '220');
        stream_context_set_option($fp, 'ssl', 'cafile', $cafile);
        stream_context_set_option($fp, 'ssl', 'peer_name', $host);
        stream_socket_enable_crypto($fp, true, STREAM_CRYPTO_METHOD_TLS_CLIENT);
        command($fp, 'EHLO localhost', '250');
    }
    return $fp;
}

function quit($fp)
{
    command($fp, 'QUIT', '221');
    fclose($fp);
}
